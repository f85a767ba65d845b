//! Keys that do more in a session than in any line: Enter, closing brackets, the user's own editor, hints.

use super::settings::Aliases;
use super::validate::{self, Enter};
use super::{hint, screen};
use crate::Pilotage;
use rustyline::history::History;
use rustyline::{
    Cmd, ConditionalEventHandler, Editor, Event, EventContext, EventHandler, Helper, InputMode, KeyCode, KeyEvent, Modifiers,
    RepeatCount,
};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

/// What the keys know of the session.
pub struct Hands {
    pilotage: Mutex<Arc<Pilotage>>,
    aliases: Mutex<Aliases>,
    /// The line is to be edited elsewhere, not evaluated.
    elsewhere: AtomicBool,
    /// What is to stand between a place and the cursor. No command of the line editor does this, but a completion does.
    instead: Mutex<Option<(usize, String)>>,
}

impl Hands {
    /// Of a session with this engine.
    pub fn new(pilotage: Arc<Pilotage>) -> Arc<Self> {
        Arc::new(Self {
            pilotage: Mutex::new(pilotage),
            aliases: Mutex::default(),
            elsewhere: AtomicBool::new(false),
            instead: Mutex::default(),
        })
    }

    /// An input begins, with this engine and these aliases.
    pub fn begin(&self, pilotage: Arc<Pilotage>, aliases: Aliases) {
        *self.pilotage.lock().unwrap_or_else(PoisonError::into_inner) = pilotage;
        *self.aliases.lock().unwrap_or_else(PoisonError::into_inner) = aliases;
    }

    /// Whether the line that was just read is to be edited elsewhere. It is asked once a line.
    pub fn goes_elsewhere(&self) -> bool {
        self.elsewhere.swap(false, SeqCst)
    }

    /// What a key put in place of what stands between a place and the cursor: the completer is asked for it.
    pub fn instead(&self) -> Option<(usize, String)> {
        self.instead.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether an input is the beginning of something longer.
    pub fn is_incomplete(&self, input: &str) -> bool {
        let pilotage = self.pilotage.lock().unwrap_or_else(PoisonError::into_inner).clone();
        is_incomplete(&pilotage, &self.aliases.lock().unwrap_or_else(PoisonError::into_inner), input)
    }
}

/// Whether an input is the beginning of something longer, its alias replaced.
pub fn is_incomplete(pilotage: &Pilotage, aliases: &Aliases, input: &str) -> bool {
    let expanded = aliases.expand(input);
    let input = expanded.as_deref().unwrap_or(input);
    !input.trim_start().starts_with(':') && pilotage.is_incomplete(input)
}

/// What a key does, `None` for what it always does.
type Press = fn(&Hands, &Event, &EventContext) -> Option<Cmd>;

struct Handler {
    hands: Arc<Hands>,
    press: Press,
}

impl ConditionalEventHandler for Handler {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        (self.press)(&self.hands, event, context)
    }
}

/// Let the keys do what they do here.
pub fn bind<H: Helper, I: History>(editor: &mut Editor<H, I>, hands: &Arc<Hands>) {
    let key = |code, modifiers| Event::from(KeyEvent(code, modifiers));
    let presses: [(Vec<Event>, Press); 8] = [
        // What was typed while an evaluation ran comes with the line ends of the terminal: Ctrl-J is Enter.
        (vec![key(KeyCode::Enter, Modifiers::NONE), KeyEvent::ctrl('J').into(), KeyEvent::ctrl('M').into()], enter),
        (vec![key(KeyCode::Enter, Modifiers::ALT), KeyEvent(KeyCode::Char('J'), Modifiers::CTRL_ALT).into()], line_break),
        (['}', ')', ']'].map(|c| KeyEvent::from(c).into()).to_vec(), close),
        (vec![key(KeyCode::Tab, Modifiers::NONE)], tab),
        (vec![Event::KeySeq(vec![KeyEvent::ctrl('X'), KeyEvent::ctrl('E')])], elsewhere),
        (vec![KeyEvent::from('v').into()], elsewhere_in_vi),
        (vec![KeyEvent::ctrl('F').into(), KeyEvent::ctrl('E').into(), key(KeyCode::End, Modifiers::NONE)], take_hint),
        (vec![KeyEvent::alt('f').into(), key(KeyCode::Right, Modifiers::ALT), key(KeyCode::Right, Modifiers::CTRL)], take_word),
    ];
    for (events, press) in presses {
        for event in events {
            editor.bind_sequence(event, EventHandler::Conditional(Box::new(Handler { hands: hands.clone(), press })));
        }
    }
    let up = EventHandler::Conditional(Box::new(Handler { hands: hands.clone(), press: up }));
    editor.bind_sequence(key(KeyCode::Up, Modifiers::NONE), up);
}

fn enter(hands: &Hands, _: &Event, context: &EventContext) -> Option<Cmd> {
    Some(match validate::enter(context.line(), context.pos(), |text| hands.is_incomplete(text)) {
        Enter::Take => Cmd::AcceptLine,
        Enter::Break(text) => Cmd::Insert(1, text),
    })
}

fn line_break(_: &Hands, _: &Event, context: &EventContext) -> Option<Cmd> {
    let (before, after) = context.line().split_at(context.pos());
    Some(Cmd::Insert(1, validate::line_break(before, after)))
}

/// A bracket that closes a block stands where the block's first line began.
fn close(hands: &Hands, event: &Event, context: &EventContext) -> Option<Cmd> {
    let Some(KeyEvent(KeyCode::Char(bracket), _)) = event.get(0) else { return None };
    if context.input_mode() != InputMode::Insert {
        return None;
    }
    let before = &context.line()[..context.pos()];
    let text = format!("{}{bracket}", " ".repeat(validate::dedent(before)?));
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    *hands.instead.lock().unwrap_or_else(PoisonError::into_inner) = Some((start, text));
    Some(Cmd::Complete)
}

/// Where a line begins there is nothing to complete.
fn tab(_: &Hands, _: &Event, context: &EventContext) -> Option<Cmd> {
    let before = &context.line()[..context.pos()];
    validate::is_forced(before).then(|| Cmd::Insert(1, "    ".into()))
}

fn elsewhere(hands: &Hands, _: &Event, _: &EventContext) -> Option<Cmd> {
    hands.elsewhere.store(true, SeqCst);
    Some(Cmd::AcceptLine)
}

fn elsewhere_in_vi(hands: &Hands, event: &Event, context: &EventContext) -> Option<Cmd> {
    if context.input_mode() == InputMode::Command { elsewhere(hands, event, context) } else { None }
}

fn take_hint(_: &Hands, _: &Event, context: &EventContext) -> Option<Cmd> {
    (context.has_hint() && context.pos() == context.line().len()).then_some(Cmd::CompleteHint)
}

fn take_word(_: &Hands, _: &Event, context: &EventContext) -> Option<Cmd> {
    let rest = context.hint_text().filter(|_| context.pos() == context.line().len())?;
    Some(Cmd::Insert(1, hint::first_word(rest).to_owned()))
}

/// A line above the screen cannot be shown: the cursor stays below it.
fn up(_: &Hands, _: &Event, context: &EventContext) -> Option<Cmd> {
    screen::is_at_top(context.line(), context.pos()).then_some(Cmd::Noop)
}
