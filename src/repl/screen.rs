//! What of a text fits the screen. The line editor repaints a text from its first line on: one that is higher than the screen
//! is therefore repainted as seldom as possible, and its cursor stays where it can be seen.

use terminal_size::{Height, Width, terminal_size};
use unicode_width::UnicodeWidthStr;

/// Whether a text takes more lines than the screen has, the prompt and hint left out.
pub fn is_higher(text: &str) -> bool {
    // Short texts are most texts, and the terminal need not be asked.
    text.len() > SHORT && size().is_some_and(|(width, height)| rows(text, width) >= height)
}

/// Whether the line above the cursor would be above the screen.
pub fn is_at_top(text: &str, cursor: usize) -> bool {
    text[..cursor].contains('\n') && size().is_some_and(|(width, height)| rows(&text[cursor..], width) >= height)
}

/// A text that fits any screen.
const SHORT: usize = 20;

fn size() -> Option<(usize, usize)> {
    terminal_size().map(|(Width(width), Height(height))| (usize::from(width), usize::from(height)))
}

/// How many lines of a screen a text takes.
fn rows(text: &str, width: usize) -> usize {
    text.split('\n').map(|line| 1 + line.width() / width.max(1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_take_several_rows() {
        assert_eq!(rows("", 80), 1);
        assert_eq!(rows("a\nb\n", 80), 3);
        assert_eq!(rows(&"x".repeat(161), 80), 3);
        assert_eq!(rows("世界", 3), 2);
        assert_eq!(rows("a", 0), 2);
    }
}
