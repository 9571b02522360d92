//! The arguments of the binary.

use lexopt::prelude::*;
use std::path::PathBuf;

/// How to call it.
pub(crate) const USAGE: &str = "\
e2m-fixtures list [--recipes DIR]
e2m-fixtures make [NAME...] [--size PX] [--width PX] [--height PX] [--seed N] [--out DIR] [--recipes DIR]
e2m-fixtures demo [--size PX] [--seed N] [--out DIR]

list   names and purposes of the recipes
make   renders pairs, all of them if none is named, as DIR/NAME/NAME_{Pre,Post}Stain_SybrGld.tif
       with DIR/NAME/NAME_SybrGld_truth.json beside them
demo   renders a batch of two samples and three pairs in the same layout

--size, --width  width of the post image; the height keeps its proportion unless given
--height         height of the post image
--seed           another world of the same kind
--out            where to write (default: fixtures-out)
--recipes        a folder of recipes instead of those built in";

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    List(Make),
    Make(Make),
    Demo(Make),
}

/// The options, the same for every command.
#[derive(Debug, PartialEq)]
pub(crate) struct Make {
    pub(crate) names: Vec<String>,
    pub(crate) width: Option<usize>,
    pub(crate) height: Option<usize>,
    pub(crate) seed: Option<u64>,
    pub(crate) out: PathBuf,
    pub(crate) recipes: Option<PathBuf>,
}

/// Reads the arguments.
pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut verb: Option<String> = None;
    let mut make = Make {
        names: Vec::new(),
        width: None,
        height: None,
        seed: None,
        out: PathBuf::from("fixtures-out"),
        recipes: None,
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Long("size" | "width") => make.width = Some(parser.value()?.parse()?),
            Long("height") => make.height = Some(parser.value()?.parse()?),
            Long("seed") => make.seed = Some(parser.value()?.parse()?),
            Long("out") => make.out = parser.value()?.into(),
            Long("recipes") => make.recipes = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(value) if verb.is_none() => verb = Some(value.string()?),
            Value(value) => make.names.push(value.string()?),
            other => return Err(other.unexpected()),
        }
    }
    match verb.as_deref() {
        Some("list") => Ok(Command::List(make)),
        Some("make") => Ok(Command::Make(make)),
        Some("demo") if make.names.is_empty() => Ok(Command::Demo(make)),
        Some("demo") => Err("demo takes no recipe names".into()),
        Some(other) => Err(format!("unknown command {other:?}").into()),
        None => Err("what to do? list, make or demo".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_names_and_folders_are_understood() {
        let parsed = parse(lexopt::Parser::from_args([
            "make", "clean", "--size", "1500", "--seed=7", "--out", "x",
        ]));
        let Ok(Command::Make(make)) = parsed else {
            panic!("{parsed:?}");
        };
        assert_eq!(make.names, ["clean"]);
        assert_eq!(
            (make.width, make.height, make.seed),
            (Some(1500), None, Some(7))
        );
        assert!(parse(lexopt::Parser::from_args(["make", "--sise", "3"])).is_err());
        assert!(parse(lexopt::Parser::from_args(["fake"])).is_err());
    }
}
