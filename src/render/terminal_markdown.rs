//! Markdown on a terminal: headings stand out, code is coloured and indented, lists stand in columns, marks go away.

use super::fit;
use super::style::{self, Look};
use crate::called::as_called;

/// The widest first column of a list; a longer name has a line of its own.
const NAMES: usize = 26;
/// Lines of prose that are longer than this are hard to read, however wide the terminal is.
const PROSE: usize = 110;

/// Markdown as text for people. Only what pilotage's own reference uses is understood; the rest stays as it is.
pub fn render(markdown: &str, look: &Look) -> String {
    let markdown = as_called(markdown);
    let tame = fit::tame(&markdown);
    let lines: Vec<&str> = tame.lines().collect();
    let mut text = String::new();
    let mut at = 0;
    while at < lines.len() {
        let (from, begin) = (at, sort(lines[at]));
        at += 1;
        match begin {
            Sort::Fence => {
                while at < lines.len() && sort(lines[at]) != Sort::Fence {
                    text += &code(lines[at], look);
                    at += 1;
                }
                at += 1;
            }
            Sort::Heading => text += &format!("{}\n", look.paint(style::HEADING, lines[from].trim_start_matches('#').trim())),
            Sort::Blank => text.push('\n'),
            Sort::Item => {
                while at < lines.len() && (sort(lines[at]) == Sort::Item || lines[at].starts_with("  ")) {
                    at += 1;
                }
                text += &list(&lines[from..at], look);
            }
            Sort::Prose => {
                while at < lines.len() && sort(lines[at]) == Sort::Prose {
                    at += 1;
                }
                text += &prose(&lines[from..at].join(" "), look.width.map(|width| width.min(PROSE)), look);
            }
        }
    }
    text
}

/// What a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Fence,
    Heading,
    Item,
    Blank,
    Prose,
}

fn sort(line: &str) -> Sort {
    let behind = line.trim_start_matches('#');
    match () {
        () if line.trim_start().starts_with("```") => Sort::Fence,
        () if behind.len() < line.len() && behind.starts_with(' ') => Sort::Heading,
        () if line.starts_with("- ") => Sort::Item,
        () if line.trim().is_empty() => Sort::Blank,
        () => Sort::Prose,
    }
}

/// A line of code; what it gives stands below it.
fn code(line: &str, look: &Look) -> String {
    match line.rsplit_once("    // ") {
        Some((code, result)) => {
            let result = look.paint(style::FAINT, &format!("// {result}"));
            format!("    {}\n    {result}\n", look.paint(style::KNOWN, code))
        }
        None => format!("    {}\n", look.paint(style::KNOWN, line)),
    }
}

fn prose(text: &str, width: Option<usize>, look: &Look) -> String {
    inline(&fit::wrap(text, width), look).join("\n") + "\n"
}

/// Items in two columns where each is a name and what it means; else each with its lines below it.
fn list(lines: &[&str], look: &Look) -> String {
    let pairs: Option<Vec<(&str, &str)>> = lines.iter().map(|line| pair(line)).collect();
    let Some(pairs) = pairs else {
        return lines.iter().map(|line| entry(line, look)).collect();
    };
    let names = pairs.iter().map(|(name, _)| fit::width(name)).filter(|width| *width <= NAMES).max().unwrap_or(0);
    let indent = names + 4;
    let room = look.width.map(|width| width.min(PROSE + indent).saturating_sub(indent).max(20));
    let mut text = String::new();
    for (name, meaning) in pairs {
        let mut told = inline(&fit::wrap(meaning, room), look).into_iter();
        let shown = look.paint(style::KNOWN, name);
        text += &format!("  {shown}");
        if fit::width(name) <= NAMES {
            let gap = " ".repeat(names - fit::width(name) + 2);
            text += told.next().filter(|first| !first.is_empty()).map(|first| gap + first.as_str()).unwrap_or_default().as_str();
        }
        text.push('\n');
        told.filter(|line| !line.is_empty()).for_each(|line| text += &format!("{}{line}\n", " ".repeat(indent)));
    }
    text
}

/// ``- `name`: what it means``, or a name alone.
fn pair(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("- `")?.split_once('`')?;
    if rest.trim().is_empty() { Some((name, "")) } else { rest.strip_prefix(": ").map(|meaning| (name, meaning)) }
}

/// A line of a list of another form: a name with what it means below, what stands below an item, or just text.
fn entry(line: &str, look: &Look) -> String {
    let (head, below, indent) = match (pair(line), line.trim_start().strip_prefix("- ")) {
        (Some((name, meaning)), _) => (format!("  {}\n", look.paint(style::KNOWN, name)), meaning, 6),
        (None, Some(item)) if line.starts_with("- ") => (String::new(), item, 2),
        (None, item) => (String::new(), item.unwrap_or(line.trim()), 6),
    };
    let room = look.width.map(|width| width.min(PROSE).saturating_sub(indent).max(20));
    let lines = inline(&fit::wrap(below, room), look);
    let lines = lines.iter().filter(|line| !line.is_empty());
    head + lines.map(|line| format!("{}{line}\n", " ".repeat(indent))).collect::<String>().as_str()
}

/// Words between back-ticks coloured, also where a line ends between them; without colours the back-ticks stay, for they say
/// what is code.
fn inline(lines: &[String], look: &Look) -> Vec<String> {
    let whole = lines.iter().map(|line| line.matches('`').count()).sum::<usize>() % 2 == 0;
    if !look.color || !whole {
        return lines.to_vec();
    }
    let mut inside = false;
    let mut paint = |line: &String| {
        let mut text = String::new();
        for (number, part) in line.split('`').enumerate() {
            inside ^= number > 0;
            text += &if inside { look.paint(style::KNOWN, part) } else { part.to_owned() };
        }
        text
    };
    lines.iter().map(&mut paint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_reads_as_text() {
        let markdown = "# pods\n\n```rhai\npods()[0]    // 1\n```\n\nThe pods of a\n`namespace`, one row each.\n\n\
                        - `name`: its name, as it is\n- `ip`: where\n- `x`\n";
        let text = render(markdown, &Look::fitted(28));
        let expected = "pods\n\n    pods()[0]\n    // 1\n\nThe pods of a `namespace`,\none row each.\n\n\
                        \x20 name  its name, as it is\n  ip    where\n  x\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn items_with_more_below_have_all_of_it_below() {
        let text = render("- `pods()`: The pods.\n  - Helps with: x.\n- `x`\n", &Look::fitted(40));
        assert_eq!(text, "  pods()\n      The pods.\n      Helps with: x.\n  x\n");
        assert_eq!(render("- just text\n- more\n", &Look::fitted(40)), "  just text\n  more\n");
    }

    #[test]
    fn code_is_coloured_across_lines() {
        let coloured = render("a `b c` d", &Look { color: true, width: Some(20), ..Look::plain() });
        assert_eq!(coloured, "a \u{1b}[36mb c\u{1b}[0m d\n");
        let lines = inline(&["a `b".into(), "c` d".into()], &Look { color: true, ..Look::plain() });
        assert_eq!(lines, ["a \u{1b}[36mb\u{1b}[0m", "\u{1b}[36mc\u{1b}[0m d"]);
    }
}
