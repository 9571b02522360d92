//! `e2m-fixtures`: makes pairs with known truth from recipes.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::unreachable
    )
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the terminal end of the crate"
)]

mod args;

use args::{Command, Make, USAGE};
use e2m_fixtures::{
    DEMO, FixtureError, Recipe, WrittenPair, recipes_in, shipped_names, write_pair,
};
use e2m_image::Size;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let command = match args::parse(lexopt::Parser::from_env()) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("e2m-fixtures: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let done = match &command {
        Command::Help => {
            println!("{USAGE}");
            Ok(())
        }
        Command::List(make) => list(make),
        Command::Make(make) => make_recipes(make),
        Command::Demo(make) => make_demo(make),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("e2m-fixtures: {error}");
            ExitCode::FAILURE
        }
    }
}

fn list(options: &Make) -> Result<(), FixtureError> {
    for (name, recipe) in recipes(options)? {
        println!("{name:28} {}", recipe.description);
    }
    Ok(())
}

fn make_recipes(options: &Make) -> Result<(), FixtureError> {
    for (name, recipe) in recipes(options)? {
        make(&sized(recipe, options), options, &name, "SybrGld")?;
    }
    Ok(())
}

fn make_demo(options: &Make) -> Result<(), FixtureError> {
    for task in DEMO {
        let recipe = sized(Recipe::shipped(task.recipe)?, options);
        make(&recipe, options, task.sample, task.dye)?;
    }
    Ok(())
}

/// The recipes asked for: by name, or all there are.
fn recipes(options: &Make) -> Result<Vec<(String, Recipe)>, FixtureError> {
    let all = match &options.recipes {
        Some(dir) => recipes_in(dir)?,
        None => shipped_names()
            .map(|name| Ok((name.to_owned(), Recipe::shipped(name)?)))
            .collect::<Result<_, FixtureError>>()?,
    };
    if options.names.is_empty() {
        return Ok(all);
    }
    let find = |wanted: &String| {
        let found = all.iter().find(|(name, _)| name == wanted);
        found.cloned().ok_or_else(|| FixtureError::UnknownRecipe {
            name: wanted.clone(),
            known: all.iter().map(|(name, _)| name.clone()).collect(),
        })
    };
    options.names.iter().map(find).collect()
}

fn sized(recipe: Recipe, options: &Make) -> Recipe {
    let recipe = match (options.width, options.height) {
        (None, None) => recipe,
        (Some(width), None) => recipe.resized_to_width(width),
        (width, Some(height)) => recipe.resized(Size::new(width.unwrap_or(recipe.width), height)),
    };
    Recipe {
        seed: options.seed.unwrap_or(recipe.seed),
        ..recipe
    }
}

fn make(recipe: &Recipe, options: &Make, sample: &str, dye: &str) -> Result<(), FixtureError> {
    let start = Instant::now();
    let WrittenPair { post, .. } = write_pair(recipe, &options.out, sample, dye)?;
    let folder = post.parent().unwrap_or(&options.out).display();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{sample} {dye}: post {}, pre {} px in {folder} ({seconds:.1} s)",
        recipe.post_size(),
        recipe.pre_size(),
    );
    Ok(())
}
