//! Lines of text between `"""` and `"""`.

/// The text that is meant: without the line break behind the first `"""` and without the indentation that all its lines
/// have in common, that of the last `"""` with them (as text blocks of Java, JEP 378).
pub(crate) fn lines(text: &str) -> String {
    let text = text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text);
    let count = text.split('\n').count();
    let indentation = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let counts = |(number, line): &(usize, &str)| !line.trim().is_empty() || number + 1 == count;
    let common = text.split('\n').enumerate().filter(counts).map(|(_, line)| indentation(line)).min().unwrap_or(0);
    let stripped = text.split('\n').map(|line| line.get(common..).unwrap_or_default().trim_end_matches('\r'));
    stripped.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn the_common_indentation_goes() {
        assert_eq!(lines("\n    a:\n    - b\n\n      c\n    "), "a:\n- b\n\n  c\n");
        assert_eq!(lines("\n    a\n  "), "  a\n");
        assert_eq!(lines("a"), "a");
        assert_eq!(lines(""), "");
        assert_eq!(lines("\n  ä\n  b"), "ä\nb");
    }
}
