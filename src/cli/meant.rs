//! What is meant where a playbook is run at a prompt: the same parameters as on the command line, read by the same reader.

use super::options::Options;
use super::{params, places, run};
use crate::host::{Failure, Playbook};
use crate::render::{Look, diagnostic};
use crate::repl::Meant;
use clap::builder::StyledStr;

/// The playbook that is named by the first word, with the parameters that the others give.
///
/// # Errors
/// When there is none, or it does not compile.
pub fn playbook(words: &[String], options: &Options, look: &Look) -> Result<Meant, Box<Failure>> {
    let Some((name, given)) = words.split_first() else { return Err(run::nameless().into()) };
    let playbook = Playbook::find(name, &places::playbook_folders())?;
    let shown = |text: &StyledStr| if look.color { text.ansi().to_string() } else { text.to_string() };
    let mut command = params::alone(&playbook, name);
    let help = shown(&command.render_help());
    let matches = match command.try_get_matches_from_mut(given) {
        Ok(matches) => matches,
        Err(error) if error.use_stderr() => return Ok(Meant::Wrong(format!("{}\n{help}", shown(&error.render())))),
        Err(error) => return Ok(Meant::Help(shown(&error.render()))),
    };
    let bound = params::given(&playbook, &matches, options);
    match bound.and_then(|given| playbook.bind(given.clone()).map(|_| given)) {
        Ok(given) => Ok(Meant::Run(Box::new(playbook), given)),
        Err(error) => Ok(Meant::Wrong(format!("{}\n{help}", diagnostic::error(&error, look)))),
    }
}
