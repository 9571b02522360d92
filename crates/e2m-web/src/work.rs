//! Where work is done that takes a while: on threads of its own, a few at a time, so that answers to others are not held up.

use crate::error::Refusal;
use axum::http::StatusCode;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// A desk at which a few pieces of work are done at a time. Who waits and goes away is forgotten.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Desk {
    /// One with so many places, at which so many may wait besides.
    pub(crate) fn new(places: usize, waiting: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            queue: Arc::new(Semaphore::new(places + waiting)),
        }
    }

    /// Does the work and waits for what comes of it.
    ///
    /// # Errors
    /// Where too many wait already; what the work says.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let Ok(_queued) = self.queue.try_acquire() else {
            return Err(busy());
        };
        // Goes with the work, not with who asked: a place is free when its work has ended.
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| busy())?;
        let done = spawn_blocking(move || {
            let result = work();
            drop(place);
            result
        });
        done.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a request ended in a panic");
            Err(Refusal::fault(
                "this could not be done because of an error in e2m; the terminal of `e2m serve` says more",
            ))
        })
    }
}

fn busy() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too much is being asked for at the same time; wait a moment and ask again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::runtime::Builder;

    #[test]
    fn who_comes_when_too_many_wait_is_sent_away_and_a_panic_is_an_answer() {
        let runtime = Builder::new_multi_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let desk = Desk::new(1, 1);
            let slow = || {
                std::thread::sleep(Duration::from_millis(200));
                Ok(1)
            };
            let (a, b, c) =
                futures_util::future::join3(desk.run(slow), desk.run(slow), desk.run(slow)).await;
            let served = [&a, &b, &c].iter().filter(|answer| answer.is_ok()).count();
            assert_eq!(served, 2);
            let sent = [a, b, c].into_iter().find_map(Result::err).expect("one");
            assert_eq!(sent.status, StatusCode::SERVICE_UNAVAILABLE);
            let failed = desk
                .run(|| -> Result<(), Refusal> { panic!("on purpose") })
                .await;
            assert_eq!(
                failed.expect_err("a panic").status,
                StatusCode::INTERNAL_SERVER_ERROR
            );
            assert_eq!(desk.run(|| Ok(2)).await, Ok(2));
        });
    }
}
