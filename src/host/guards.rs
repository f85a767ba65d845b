//! Rhai's own functions that could take all memory, or all time, in one call: no step of the script ends in between, so
//! the limits of [`super::limits`] would look too late. Here they look first.

use super::failure::{Fallible, raise};
use super::limits::Limits;
use super::session::Call;
use crate::error::{Error, Kind};
use rhai::{Array, Blob, Dynamic, Engine, FLOAT, INT, ImmutableString, NativeCallContext};
use std::time::Duration;

/// What one call may ask for when nobody counts memory.
const UNCOUNTED: usize = 1 << 30;

/// Replace `blob`, `pad`, `replace` and `sleep`.
pub(super) fn register(engine: &mut Engine, limits: Limits) {
    let room = Room(limits);
    engine.register_fn("blob", move |context: NativeCallContext, length: INT| blob(&context, room, length, 0));
    engine.register_fn("blob", move |context: NativeCallContext, length: INT, byte: INT| blob(&context, room, length, byte));
    engine.register_fn("pad", move |context: NativeCallContext, array: &mut Array, length: INT, item: Dynamic| {
        pad_array(&context, room, array, length, &item)
    });
    engine.register_fn("pad", move |context: NativeCallContext, blob: &mut Blob, length: INT, byte: INT| -> Fallible<()> {
        let length = length_of(length).max(blob.len());
        room.check(&context, length - blob.len())?;
        blob.resize(length, low_byte(byte));
        Ok(())
    });
    engine.register_fn("pad", move |context: NativeCallContext, text: &mut ImmutableString, length: INT, with: char| {
        pad_text(&context, room, text, length, with.encode_utf8(&mut [0; 4]))
    });
    engine.register_fn("pad", move |context: NativeCallContext, text: &mut ImmutableString, length: INT, with: &str| {
        pad_text(&context, room, text, length, with)
    });
    engine.register_fn("replace", move |context: NativeCallContext, text: &mut ImmutableString, find: &str, with: &str| {
        replace(&context, room, text, find, with)
    });
    engine.register_fn("replace", move |context: NativeCallContext, text: &mut ImmutableString, find: char, with: &str| {
        replace(&context, room, text, find.encode_utf8(&mut [0; 4]), with)
    });
    engine.register_fn("sleep", |context: NativeCallContext, seconds: INT| {
        sleep(&context, Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    });
    engine.register_fn("sleep", |context: NativeCallContext, seconds: FLOAT| {
        sleep(&context, Duration::try_from_secs_f64(seconds).unwrap_or_default())
    });
}

/// Rhai's own would not hear Ctrl-C.
fn sleep(context: &NativeCallContext, time: Duration) -> Fallible<()> {
    Call::of(context)?.wait(async move {
        tokio::time::sleep(time).await;
        Ok(())
    })
}

/// How much memory is left.
#[derive(Clone, Copy)]
struct Room(Limits);

impl Room {
    /// Refuse a call that wants more bytes than are left.
    fn check(self, context: &NativeCallContext, bytes: usize) -> Fallible<()> {
        let left = match self.0.memory {
            Some((most, used)) => most.saturating_sub(used()),
            None => UNCOUNTED,
        };
        if bytes <= left {
            return Ok(());
        }
        let name = context.fn_name();
        let message = format!("`{name}` asks for {} MiB at once; {} MiB are left", bytes.div_ceil(1 << 20), left >> 20);
        Err(raise(Error::new(Kind::Limit, message).hint("`--max-memory` raises the limit"), context.call_position()))
    }
}

/// A negative length is none.
fn length_of(length: INT) -> usize {
    usize::try_from(length.max(0)).unwrap_or(usize::MAX)
}

fn low_byte(value: INT) -> u8 {
    value.to_le_bytes()[0]
}

fn blob(context: &NativeCallContext, room: Room, length: INT, byte: INT) -> Fallible<Blob> {
    room.check(context, length_of(length))?;
    Ok(vec![low_byte(byte); length_of(length)])
}

/// Items may be big themselves, so the room is looked at again while they are copied.
fn pad_array(context: &NativeCallContext, room: Room, array: &mut Array, length: INT, item: &Dynamic) -> Fallible<()> {
    let missing = length_of(length).saturating_sub(array.len());
    room.check(context, missing.saturating_mul(size_of::<Dynamic>()))?;
    let small = item.is_unit() || item.is_bool() || item.is_int() || item.is_float() || item.is_string();
    for copied in 0..missing {
        array.push(item.clone());
        if !small || copied % 4096 == 0 {
            room.check(context, 0)?;
        }
    }
    Ok(())
}

fn pad_text(context: &NativeCallContext, room: Room, text: &mut ImmutableString, length: INT, with: &str) -> Fallible<()> {
    let missing = length_of(length).saturating_sub(text.chars().count());
    // With nothing to pad with, Rhai's own function never ends.
    if missing == 0 || with.is_empty() {
        return Ok(());
    }
    let widest = with.chars().map(char::len_utf8).max().unwrap_or(1);
    room.check(context, missing.saturating_mul(widest))?;
    text.make_mut().extend(with.chars().cycle().take(missing));
    Ok(())
}

fn replace(context: &NativeCallContext, room: Room, text: &mut ImmutableString, find: &str, with: &str) -> Fallible<()> {
    let growth = with.len().saturating_sub(find.len());
    if growth > 0 {
        let count = if find.is_empty() { text.chars().count() + 1 } else { text.matches(find).count() };
        room.check(context, count.saturating_mul(growth).saturating_add(text.len()))?;
    }
    *text = text.replace(find, with).into();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eval(script: &str) -> Result<Dynamic, String> {
        let mut engine = Engine::new();
        register(&mut engine, Limits { memory: Some((64 << 20, || 60 << 20)), ..Limits::default() });
        engine.eval::<Dynamic>(script).map_err(|error| match error.unwrap_inner() {
            rhai::EvalAltResult::ErrorRuntime(value, _) => value.clone().cast::<Error>().to_string(),
            other => format!("other: {other}"),
        })
    }

    #[test]
    fn one_call_cannot_take_more_than_is_left() {
        for script in [
            "blob(9223372036854775807)",
            "blob(10_000_000, 7)",
            "let a = []; a.pad(9223372036854775807, 1)",
            "let b = blob(); b.pad(10_000_000, 1)",
            "let s = \"\"; s.pad(10_000_000, 'x')",
            "let s = \"\"; s.pad(9_000_000_000_000, \"xy\")",
            "let s = \"\"; s.pad(100_000, 'a'); let t = s; s.replace(\"a\", t)",
            "let s = \"\"; s.pad(100_000, 'a'); let t = s; s.replace('a', t)",
        ] {
            let error = eval(script).unwrap_err();
            assert!(error.contains("MiB are left"), "{script}: {error}");
        }
    }

    #[test]
    fn within_the_limit_they_do_what_they_did() {
        for (script, shown) in [
            ("blob(2, 0x142).len()", "2"),
            ("blob(-1).len()", "0"),
            ("blob(2, 0x142)[0]", "66"),
            ("let a = [1]; a.pad(3, 2); a", "[1, 2, 2]"),
            ("let a = [1]; a.pad(-3, 2); a", "[1]"),
            ("let b = blob(1); b.pad(3, 5); b[2]", "5"),
            ("let s = \"é\"; s.pad(4, \"ab\"); s", "éaba"),
            ("let s = \"hello\"; s.pad(4, '!'); s", "hello"),
            ("let s = \"hello\"; s.pad(9, \"\"); s", "hello"),
            ("let s = \"a.a\"; s.replace(\"a\", \"bb\"); s", "bb.bb"),
            ("let s = \"ab\"; s.replace(\"\", \"-\"); s", "-a-b-"),
            ("let s = \"ab\"; s.replace('a', \"\"); s", "b"),
        ] {
            assert_eq!(eval(script).unwrap().to_string(), shown, "{script}");
        }
    }
}
