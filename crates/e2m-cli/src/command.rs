//! What the command line means: each command carried out, ending in an exit code.

use crate::apply_args::ApplyArgs;
use crate::args::{
    Cli, CompareArgs, PlanArgs, RunArgs, ShowArgs, Sub, SurveyArgs, TalkArgs, VerifyArgs,
};
use crate::demo_args::DemoArgs;
use crate::environment::environment;
use crate::exit::Exit;
use crate::export_args::ExportArgs;
use crate::terminal::Terminal;
use crate::zoom_args::ViewArgs;
use crate::{
    apply, check, cluster, compare, convert, demo, diagnose, docs, documents, dry_run, export,
    init, licences, logging, params, run, serve, shell, single_task, status, survey, verify,
    worker, zoom,
};
use clap::CommandFactory as _;
use e2m_batch::batch_file::values::Parallel;
use e2m_batch::batch_file::{Assignment, USUAL_NAME, nearest};
use e2m_batch::cluster::Handover;
use e2m_batch::export::ExportSubject;
use e2m_batch::verify::VerifySubject;
use e2m_batch::{BatchFile, Environment, Plan, PlanError, PlanOptions, TaskSelection, find};
use std::path::Path;

/// Carries out a command.
pub(crate) fn execute(cli: Cli) -> Exit {
    match cli.command {
        None => run_batch(&cli.run),
        Some(Sub::Run(args)) => run_batch(&args),
        Some(Sub::Survey(args)) => survey_batch(&args),
        Some(Sub::Check(args)) => inspect_batch(&args.plan, |plan, environment, terminal| {
            check::check(plan, args.json, environment, terminal)
        }),
        Some(Sub::Status(args)) => inspect_batch(&args.plan, |plan, environment, terminal| {
            status::show(plan, args.json, environment, terminal)
        }),
        Some(Sub::Verify(args)) => verify_batch(&args),
        Some(Sub::Zoom(args)) => look_at(&args.view, |subject, terminal| {
            zoom::zoom(&args, subject, terminal)
        }),
        Some(Sub::Blink(args)) => look_at(&args.view, |subject, terminal| {
            zoom::blink(&args, subject, terminal)
        }),
        Some(Sub::Export(args)) => export_batch(&args),
        Some(Sub::Apply(args)) => apply_warp(&args),
        Some(Sub::Convert(args)) => convert::run(&args, &started(args.talk)),
        Some(Sub::Serve(args)) => serve::run(&args, &environment(args.talk), &started(args.talk)),
        Some(Sub::Submit(args)) => {
            let terminal = started(args.talk);
            submit_batch(&args.run(), &environment(args.talk), &terminal)
        }
        Some(Sub::Cancel(args)) => {
            let terminal = started(args.talk);
            match read(&args.batch, &args.set.set) {
                Ok(batch) => cluster::cancel(
                    &batch,
                    &args.tasks.selection(),
                    &environment(args.talk),
                    &terminal,
                ),
                Err(error) => refuse(&error, &args.batch, &terminal),
            }
        }
        Some(Sub::Collect(args)) => collect_batch(args),
        Some(Sub::Task(args)) => {
            let terminal = Terminal::plain(args.talk);
            logging::start(&terminal, args.talk);
            let plan = planned((&args.batch, &args.set.set), &args.plan_options());
            let plan = plan.map(|(plan, _)| plan);
            single_task::run(&args, plan, &environment(args.talk), &terminal)
        }
        Some(Sub::SlurmTask(args)) => cluster::run_job(&args),
        Some(Sub::SlurmCollect(args)) => cluster::collect_submission(&args),
        Some(Sub::Compare(args)) => compare_variants(&args),
        Some(Sub::Diagnose(args)) => {
            let terminal = started(args.talk);
            diagnose::show(&args, &environment(args.talk), &terminal)
        }
        Some(Sub::Worker(args)) => worker::work(&args),
        Some(Sub::Demo(args)) => demo_batch(&args),
        Some(Sub::Init(args)) => init::run(&args, &Terminal::new(cli.run.talk)),
        Some(Sub::Params(args)) => params::show(&args, &Terminal::new(cli.run.talk)),
        Some(Sub::Docs(args)) => docs::show(args.page.as_deref(), &Terminal::new(cli.run.talk)),
        Some(Sub::Completions(args)) => {
            Terminal::new(cli.run.talk).result(shell::completions(args.shell).trim_end());
            Exit::Complete
        }
        Some(Sub::Man(args)) => shell::man(&args.dir, &Terminal::new(cli.run.talk)),
        Some(Sub::Schema) => {
            let schema = documents::pretty(&crate::batch_schema());
            Terminal::new(cli.run.talk).result(schema.trim_end());
            Exit::Complete
        }
        Some(Sub::Licences) => {
            Terminal::new(cli.run.talk).result(licences::text().trim_end());
            Exit::Complete
        }
    }
}

/// A terminal to which the log goes as well.
fn started(talk: TalkArgs) -> Terminal {
    let terminal = Terminal::new(talk);
    logging::start(&terminal, talk);
    terminal
}

fn run_batch(args: &RunArgs) -> Exit {
    let talk = args.talk.beside_json(args.json);
    let terminal = started(talk);
    let environment = environment(talk);
    let path = args.batch.as_deref().unwrap_or(Path::new(USUAL_NAME));
    let plan = match planned((path, &args.set.set), &args.plan_options()) {
        Ok((plan, _)) if plan.execution.parallel == Parallel::Slurm => {
            return submit_batch(args, &environment, &terminal);
        }
        Ok((plan, _)) => plan,
        Err(error) => return refuse(&error, path, &terminal),
    };
    for warning in &plan.warnings {
        terminal.warn(warning);
    }
    if args.dry_run {
        dry_run::list(&plan, args.json, &terminal)
    } else {
        run::run(&plan, args.json, &environment, &terminal)
    }
}

/// Makes the demo, runs it, and says where to look.
fn demo_batch(args: &DemoArgs) -> Exit {
    let terminal = started(args.talk);
    let path = match demo::make(args, &terminal) {
        Ok(path) => path,
        Err(error) => {
            terminal.error(&error.to_string());
            return Exit::BadInput;
        }
    };
    match planned((&path, &[]), &PlanOptions::default()) {
        Ok((plan, _)) => {
            let exit = run::run(&plan, false, &environment(args.talk), &terminal);
            demo::finish(args, &plan.output_dir, &terminal);
            exit
        }
        Err(error) => refuse(&error, &path, &terminal),
    }
}

/// Hands a batch over to a cluster.
fn submit_batch(args: &RunArgs, environment: &Environment, terminal: &Terminal) -> Exit {
    let path = args.batch.as_deref().unwrap_or(Path::new(USUAL_NAME));
    let (mut plan, batch) = match planned((path, &args.set.set), &args.plan_options()) {
        Ok(planned) => planned,
        Err(error) => return refuse(&error, path, terminal),
    };
    for warning in &plan.warnings {
        terminal.warn(warning);
    }
    plan.execution.parallel = Parallel::Slurm;
    let handover = Handover {
        plan: &plan,
        batch: &batch.text,
        asked: &args.tasks.selection(),
        dry_run: args.dry_run,
    };
    cluster::submit(&handover, environment, terminal)
}

/// Commands that inspect a batch and run nothing.
fn inspect_batch(
    args: &PlanArgs,
    show: impl FnOnce(&Plan, &Environment, &Terminal) -> Exit,
) -> Exit {
    let terminal = started(args.talk);
    match planned((&args.batch, &args.set.set), &args.plan_options()) {
        Ok((plan, _)) => {
            for warning in &plan.warnings {
                terminal.warn(warning);
            }
            show(&plan, &environment(args.talk), &terminal)
        }
        Err(error) => refuse(&error, &args.batch, &terminal),
    }
}

/// Compares variants, and runs the batch with the values of one of them where that is asked for.
fn compare_variants(args: &CompareArgs) -> Exit {
    let talk = args.talk.beside_json(args.json);
    let terminal = started(talk);
    let environment = environment(talk);
    let compared = compare::compare(args, &environment, &terminal);
    let (exit, Some(values)) = compared else {
        return compared.0;
    };
    if exit != Exit::Complete {
        terminal.error("a variant failed, and nothing was saved");
        return exit;
    }
    let given = [&args.set.set[..], &values].concat();
    let options = PlanOptions {
        tasks: args.tasks.selection(),
        ..PlanOptions::default()
    };
    match planned((&args.batch, &given), &options) {
        Ok((plan, _)) => run::run(&plan, false, &environment, &terminal),
        Err(error) => refuse(&error, &args.batch, &terminal),
    }
}

/// Writes the result of a batch again, and prints it.
fn collect_batch(mut args: ShowArgs) -> Exit {
    args.plan.talk = args.plan.talk.beside_json(args.json);
    inspect_batch(&args.plan, |plan, environment, terminal| {
        let exit = cluster::collect(plan, environment, terminal);
        if args.json {
            run::print_result(&plan.output_dir, terminal);
        }
        exit
    })
}

fn verify_batch(args: &VerifyArgs) -> Exit {
    let terminal = started(args.talk);
    let subject = read(&args.batch, &[])
        .and_then(|batch| VerifySubject::of(&batch, &args.batch, &args.tasks.selection()));
    match subject {
        Ok(subject) => verify::run(&subject, args.json, &environment(args.talk), &terminal),
        Err(error) => refuse(&error, &args.batch, &terminal),
    }
}

/// Commands that show what is there of a task.
fn look_at(view: &ViewArgs, show: impl FnOnce(&VerifySubject, &Terminal) -> Exit) -> Exit {
    let terminal = started(view.talk);
    let subject = read(&view.batch, &view.set.set)
        .and_then(|batch| VerifySubject::of(&batch, &view.batch, &TaskSelection::default()));
    match subject {
        Ok(subject) => show(&subject, &terminal),
        Err(error) => refuse(&error, &view.batch, &terminal),
    }
}

fn apply_warp(args: &ApplyArgs) -> Exit {
    let terminal = started(args.talk);
    let subject = read(&args.batch, &args.set.set)
        .and_then(|batch| VerifySubject::of(&batch, &args.batch, &TaskSelection::default()));
    match subject {
        Ok(subject) => apply::run(args, &subject, &terminal),
        Err(error) => refuse(&error, &args.batch, &terminal),
    }
}

fn export_batch(args: &ExportArgs) -> Exit {
    let terminal = started(args.talk);
    let request = match args.request() {
        Ok(request) => request,
        Err(why) => {
            terminal.error(&why);
            return Exit::BadInput;
        }
    };
    let subject = read(&args.batch, &args.set.set)
        .and_then(|batch| ExportSubject::of(&batch, &args.batch, &args.tasks.selection(), request));
    match subject {
        Ok(subject) => export::run(&subject, &environment(args.talk), &terminal),
        Err(error) => refuse(&error, &args.batch, &terminal),
    }
}

fn survey_batch(args: &SurveyArgs) -> Exit {
    let terminal = started(args.talk);
    let found = read(&args.batch, &args.set.set).and_then(|batch| {
        let found = find(&batch, &args.tasks.selection())?;
        Ok((batch, found))
    });
    match found {
        Ok((batch, found)) => survey::survey((&batch, &found), args, &terminal),
        Err(error) => refuse(&error, &args.batch, &terminal),
    }
}

fn read(path: &Path, given: &[Assignment]) -> Result<BatchFile, PlanError> {
    BatchFile::read_with(path, given).map_err(PlanError::from)
}

/// What a batch file comes to with the values that were given, and the file.
fn planned(
    (path, given): (&Path, &[Assignment]),
    options: &PlanOptions,
) -> Result<(Plan, BatchFile), PlanError> {
    let batch = read(path, given)?;
    Ok((Plan::new(&batch, options)?, batch))
}

/// Says why nothing can be done, and whether a command was taken for a file.
fn refuse(error: &PlanError, path: &Path, terminal: &Terminal) -> Exit {
    match meant_command(path) {
        Some(command) => {
            let word = path.display();
            terminal.error(&format!(
                "there is neither a command nor a batch file {word}; did you mean `e2m {command}`?"
            ));
        }
        None => terminal.error(&error.to_string()),
    }
    Exit::from(error)
}

/// The command that a file which does not exist may have been meant to be.
pub(crate) fn meant_command(path: &Path) -> Option<String> {
    let word = path
        .to_str()
        .filter(|word| !path.exists() && !word.contains(['/', '\\', '.']))?;
    let commands = Cli::command();
    let names = commands.get_subcommands().filter(|sub| !sub.is_hide_set());
    let names: Vec<String> = names.map(|sub| sub.get_name().to_owned()).collect();
    let names = names.iter().map(String::as_str).chain(["help"]);
    nearest(word, names, 0.6).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_taken_for_files() {
        assert_eq!(
            meant_command(Path::new("surveyy")),
            Some("survey".to_owned())
        );
        assert_eq!(meant_command(Path::new("inti")), Some("init".to_owned()));
        assert_eq!(meant_command(Path::new("batch.toml")), None);
        assert_eq!(meant_command(Path::new("samples")), None);
    }
}
