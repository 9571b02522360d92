//! Which jobs go into one array: those that ask for about as much.

/// Jobs in one array, at most; `MaxArraySize` of a cluster that was not set up otherwise is 1001.
pub const MAX_ARRAY_JOBS: usize = 1000;

/// In one array the largest job asks for so many times the memory of the smallest, at most.
const LIKE: f64 = 1.5;

/// What one job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// Time, seconds.
    pub seconds: u64,
}

/// Jobs of like sizes, which become one array. All of them are given what the largest asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Which jobs, in their order. The place here is the number in the array.
    pub jobs: Vec<usize>,
    /// Memory of each, bytes.
    pub memory_bytes: u64,
    /// Time of each, seconds.
    pub seconds: u64,
    /// How many may run at a time; `None` for as many as the cluster allows.
    pub at_a_time: Option<usize>,
    /// The group, by its place, that has to end before this one begins.
    pub after: Option<usize>,
}

/// Puts jobs of like sizes together: within 1.5 of each other in memory, and at most [`MAX_ARRAY_JOBS`]; the largest jobs
/// come first.
///
/// `max_running` is shared among the groups by how many jobs they have, so that it holds for all together. Where there are
/// more groups than that, some wait for others.
pub fn groups(demands: &[Demand], max_running: Option<usize>) -> Vec<Group> {
    let mut found = alike(demands);
    match max_running.map(|max| max.max(1)) {
        Some(max) if max < found.len() => {
            for (index, group) in found.iter_mut().enumerate() {
                group.at_a_time = Some(1);
                group.after = index.checked_sub(max);
            }
        }
        Some(max) => share(&mut found, max),
        None => {}
    }
    found
}

/// Groups of jobs that ask for about as much.
fn alike(demands: &[Demand]) -> Vec<Group> {
    let mut order: Vec<usize> = (0..demands.len()).collect();
    order.sort_by_key(|job| std::cmp::Reverse(demands[*job].memory_bytes));
    let mut groups: Vec<Group> = Vec::new();
    for job in order {
        let demand = demands[job];
        let fits = groups.last().is_some_and(|group| {
            group.jobs.len() < MAX_ARRAY_JOBS
                && group.memory_bytes as f64 <= LIKE * demand.memory_bytes as f64
        });
        match groups.last_mut().filter(|_| fits) {
            Some(group) => {
                group.jobs.push(job);
                group.seconds = group.seconds.max(demand.seconds);
            }
            None => groups.push(Group {
                jobs: vec![job],
                memory_bytes: demand.memory_bytes,
                seconds: demand.seconds,
                at_a_time: None,
                after: None,
            }),
        }
    }
    for group in &mut groups {
        group.jobs.sort_unstable();
    }
    groups
}

/// Divides `max` among the groups by their jobs: each has one, and what is left goes one by one to the group that has
/// the most jobs for each that may run.
fn share(groups: &mut [Group], max: usize) {
    let mut shares = vec![1; groups.len()];
    for _ in groups.len()..max {
        let neediest = (0..groups.len())
            .filter(|index| shares[*index] < groups[*index].jobs.len())
            .max_by(|a, b| {
                let need = |index: &usize| groups[*index].jobs.len() as f64 / shares[*index] as f64;
                // Of two alike the first.
                need(a).total_cmp(&need(b)).then(b.cmp(a))
            });
        match neediest {
            Some(index) => shares[index] += 1,
            None => break,
        }
    }
    for (group, share) in groups.iter_mut().zip(shares) {
        group.at_a_time = Some(share);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_sizes(sizes: &[u64]) -> Vec<Demand> {
        let demand = |&memory_bytes| Demand {
            memory_bytes,
            seconds: memory_bytes,
        };
        sizes.iter().map(demand).collect()
    }

    #[test]
    fn like_sizes_go_together_and_get_what_the_largest_needs() {
        let found = groups(&of_sizes(&[100, 1000, 140, 900, 150, 99]), None);
        let jobs: Vec<&[usize]> = found.iter().map(|group| group.jobs.as_slice()).collect();
        assert_eq!(jobs, [&[1, 3][..], &[0, 2, 4], &[5]]);
        let memory: Vec<u64> = found.iter().map(|group| group.memory_bytes).collect();
        assert_eq!(memory, [1000, 150, 99]);
        assert_eq!(found[1].seconds, 150);
        assert_eq!(found[1].at_a_time, None);
    }

    #[test]
    fn every_job_is_in_one_group_and_no_array_is_too_long() {
        let sizes: Vec<u64> = (0..2500).map(|n| 1 + n % 7 * 100).collect();
        let found = groups(&of_sizes(&sizes), None);
        let mut all: Vec<usize> = found.iter().flat_map(|group| group.jobs.clone()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..2500).collect::<Vec<_>>());
        assert!(found.iter().all(|group| group.jobs.len() <= MAX_ARRAY_JOBS));
        let like = |group: &Group| {
            group
                .jobs
                .iter()
                .all(|job| sizes[*job] * 3 / 2 >= group.memory_bytes)
        };
        assert!(found.iter().all(like));
    }

    #[test]
    fn what_may_run_at_a_time_holds_for_all_groups_together() {
        let mut sizes = vec![1000; 30];
        sizes.extend(vec![10; 10]);
        sizes.push(1);
        let shares = |max| -> Vec<Option<usize>> {
            let found = groups(&of_sizes(&sizes), Some(max));
            found.iter().map(|group| group.at_a_time).collect()
        };
        assert_eq!(shares(20), [Some(14), Some(5), Some(1)]);
        assert_eq!(shares(3), [Some(1); 3]);
        assert_eq!(shares(1000), [Some(30), Some(10), Some(1)]);
    }

    #[test]
    fn where_fewer_may_run_than_there_are_groups_some_wait_for_others() {
        let found = groups(&of_sizes(&[1000, 10, 1, 1000]), Some(2));
        let after: Vec<Option<usize>> = found.iter().map(|group| group.after).collect();
        assert_eq!(after, [None, None, Some(0)]);
        assert!(found.iter().all(|group| group.at_a_time == Some(1)));
        // Nobody is given what only others need.
        let memory: Vec<u64> = found.iter().map(|group| group.memory_bytes).collect();
        assert_eq!(memory, [1000, 10, 1]);
        let many = groups(&of_sizes(&vec![5; 2500]), Some(1));
        let after: Vec<Option<usize>> = many.iter().map(|group| group.after).collect();
        assert_eq!(after, [None, Some(0), Some(1)]);
    }

    #[test]
    fn nothing_makes_no_group() {
        assert_eq!(groups(&[], Some(3)), []);
    }
}
