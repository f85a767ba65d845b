//! Markdown on a terminal: headings stand out, code is coloured and indented, marks go away.

use super::fit;
use super::style::{self, Look};

/// Markdown as text for people. Only what pilotage's own reference uses is understood; the rest stays as it is.
pub fn render(markdown: &str, look: &Look) -> String {
    let mut text = String::new();
    let mut code = false;
    for line in fit::tame(markdown).lines() {
        if line.trim_start().starts_with("```") {
            code = !code;
        } else if code {
            text += &format!("    {}\n", look.paint(style::KNOWN, line));
        } else if let Some(heading) = heading(line) {
            text += &format!("{}\n", look.paint(style::HEADING, heading));
        } else {
            text += &prose(line, look);
        }
    }
    text
}

fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    if rest.len() < line.len() { rest.strip_prefix(' ') } else { None }
}

fn prose(line: &str, look: &Look) -> String {
    let indent = if line.starts_with("- ") { "  " } else { "" };
    let mut text = String::new();
    for (number, part) in fit::wrap(line, look.width).iter().enumerate() {
        let indent = if number == 0 { "" } else { indent };
        text += &format!("{indent}{}\n", inline(part, look));
    }
    if text.is_empty() { "\n".into() } else { text }
}

/// Words between back-ticks coloured; without colours the back-ticks stay, for they say what is code.
fn inline(line: &str, look: &Look) -> String {
    if !look.color || line.matches('`').count() % 2 == 1 {
        return line.to_owned();
    }
    let parts = line.split('`').enumerate();
    parts.map(|(number, part)| if number % 2 == 1 { look.paint(style::KNOWN, part) } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_reads_as_text() {
        let markdown = "# pods\n\n```rhai\npods()\n```\n\nThe pods of a `namespace`, one row each.\n- `name`: its name\n";
        let text = render(markdown, &Look::fitted(24));
        assert_eq!(text, "pods\n\n    pods()\n\nThe pods of a\n`namespace`, one row\neach.\n- `name`: its name\n");
        let coloured = render("a `b` c", &Look { color: true, ..Look::plain() });
        assert_eq!(coloured, "a \u{1b}[36mb\u{1b}[0m c\n");
    }
}
