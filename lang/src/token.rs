use logos::Logos;

use crate::Word;

/// What the lexer makes of text that is nothing: see [`Token::Error`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum LexError {
    /// A character that begins nothing.
    #[default]
    Character,
    /// `${` without `}` on its line.
    Island,
    /// `"` without another on its line.
    Text,
    /// `"""` without another.
    TextBlock,
    /// An island that ends on a later line.
    Lines,
    /// An address of IPv6.
    Ipv6,
}

/// A token. Values are kept as written; the checks read them, because they can say more about a bad one.
#[derive(Clone, Debug, Logos, PartialEq)]
#[logos(error = LexError)]
#[logos(skip r"[ \t\r]+")]
#[logos(skip(r"#[^\n]*", allow_greedy = true))]
pub(crate) enum Token<'s> {
    /// The end of a logical line; one, however many newlines there are.
    #[token("\n")]
    #[token(";")]
    Eol,
    #[token("{")]
    Open,
    #[token("}")]
    Close,
    #[token(",")]
    Comma,
    #[token("->")]
    Arrow,
    #[token("=>")]
    Becomes,
    /// Everything between `${` and `}`.
    #[regex(r"([0-9A-Fa-f]{1,4}:)+:([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?(/[0-9]+)?", ipv6, priority = 40)]
    #[token("${", island)]
    Island(&'s str),
    #[token("\"", quoted)]
    Text(&'s str),
    /// Lines of text between `"""` and `"""`.
    #[token("\"\"\"", text_block)]
    TextBlock(&'s str),
    #[regex(r"[0-9]+", priority = 20)]
    Number(&'s str),
    #[regex(r"[0-9]+/[A-Za-z]+", priority = 20)]
    PortProtocol(&'s str),
    #[regex(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+", priority = 30)]
    Address(&'s str),
    #[regex(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+:[0-9]+", priority = 30)]
    AddressPort(&'s str),
    #[regex(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/[0-9]+", priority = 30)]
    Cidr(&'s str),
    #[regex(r"[0-9A-Fa-f][0-9A-Fa-f](:[0-9A-Fa-f][0-9A-Fa-f]){5}", priority = 30)]
    Mac(&'s str),
    #[regex(r"v?[0-9]+\.[0-9]+(\.[0-9]+)?", priority = 25)]
    Version(&'s str),
    /// A probability; or a namespace and a name of digits.
    #[regex(r"[0-9]+/[0-9]+", priority = 25)]
    Fraction(&'s str),
    #[regex(r"[0-9]+(ns|us|ms|s|m|h)", priority = 25)]
    Duration(&'s str),
    #[regex(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?", priority = 5)]
    Name(&'s str),
    #[regex(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?(/[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?)+", priority = 4)]
    Qualified(&'s str),
    #[regex(
        r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?(/[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?)*:[0-9]+",
        priority = 4
    )]
    NamePort(&'s str),
    /// A service and the name of a port of it.
    #[regex(
        r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?(/[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?)*:[A-Za-z][A-Za-z0-9-]*",
        priority = 4
    )]
    NamePortName(&'s str),
    #[regex(r":[0-9]+")]
    ColonPort(&'s str),
    #[regex(r"[A-Za-z0-9_][A-Za-z0-9_./-]*=[A-Za-z0-9_.-]*", priority = 4)]
    #[regex("[A-Za-z0-9_][A-Za-z0-9_./-]*=('[^'\n]*'|\"[^\"\n]*\")", priority = 6)]
    Label(&'s str),
    #[regex(r"/[0-9]+", priority = 20)]
    PrefixLength(&'s str),
    #[regex(r"/[^\s{},;#]*", priority = 3)]
    Path(&'s str),
    #[regex(r"\*(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)+")]
    Wildcard(&'s str),
    #[regex(r"[a-z]+://[^\s{},;#]*", priority = 3)]
    Url(&'s str),

    /// A name that is a word of the language: made of [`Token::Name`] by [`read`](super::sentences::read).
    Word(Word),
    /// A whole `iptables -…` command.
    Command(&'s str),
    /// A whole command line of another program that is typed on a machine.
    Look(&'s str),
    /// A whole `kubectl …` or `calicoctl …` behind `show`.
    Tool(&'s str),
    /// What stands between the braces of `rhai { }`.
    Script(&'s str),
    /// A name or a value with islands in it: `web-${ i }`.
    Filled(&'s str),
    /// What stands between the braces of a `for` or an `if` around declarations.
    Declared(&'s str),
    /// A whole row of `cases { }`.
    Row(&'s str),
    /// Text that is no token, or a word that begins no sentence. It has been reported already.
    Error,
}

/// The text up to the brace that closes an island, on its line.
fn island<'s>(lexer: &mut logos::Lexer<'s, Token<'s>>) -> Result<&'s str, LexError> {
    let rest = lexer.remainder();
    let line = rest.split('\n').next().unwrap_or_default();
    if let Some(end) = closing_brace(line) {
        lexer.bump(end + 1);
        Ok(&line[..end])
    } else if let Some(end) = closing_brace(sentence(rest)) {
        lexer.bump(end + 1);
        Err(LexError::Lines)
    } else {
        // Not to take the braces of the unclosed island for the file's.
        lexer.bump(line.len());
        Err(LexError::Island)
    }
}

/// The text up to the next line that begins as a sentence does.
fn sentence(text: &str) -> &str {
    let mut end = text.find('\n').unwrap_or(text.len());
    while let Some(line) = text.get(end + 1..).map(|rest| rest.split('\n').next().unwrap_or_default()) {
        let word = line.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        if line.trim().is_empty() || Word::from_text(word).is_some() {
            break;
        }
        end += 1 + line.len();
    }
    &text[..end]
}

/// The model knows IPv4 only.
fn ipv6<'s>(_: &mut logos::Lexer<'s, Token<'s>>) -> Result<&'s str, LexError> {
    Err(LexError::Ipv6)
}

fn quoted<'s>(lexer: &mut logos::Lexer<'s, Token<'s>>) -> Result<&'s str, LexError> {
    let line = lexer.remainder().split('\n').next().unwrap_or_default();
    if let Some(end) = closing_quote(line) {
        lexer.bump(end + 1);
        Ok(&line[..end])
    } else {
        // What follows on the line may well be a block's brace, which is worth keeping.
        let length = line.find(['{', '}']).unwrap_or(line.len());
        lexer.bump(length);
        Err(LexError::Text)
    }
}

/// Where the next `"` stands that is in no island.
fn closing_quote(line: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = &line[from..];
        let quote = rest.find('"')?;
        let island = rest.find("${").filter(|island| *island < quote);
        let Some(end) = island.and_then(|island| Some(island + 2 + closing_brace(&rest[island + 2..])? + 1)) else {
            return Some(from + quote);
        };
        from += end;
    }
}

fn text_block<'s>(lexer: &mut logos::Lexer<'s, Token<'s>>) -> Result<&'s str, LexError> {
    let rest = lexer.remainder();
    let Some(end) = rest.find("\"\"\"") else {
        lexer.bump(rest.len());
        return Err(LexError::TextBlock);
    };
    lexer.bump(end + 3);
    Ok(&rest[..end])
}

/// Where the `}` stands that closes a brace opened before `text`: Rhai's strings, characters and comments are stepped
/// over.
pub(crate) fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut rest = text.char_indices().peekable();
    while let Some((at, char)) = rest.next() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            '"' | '\'' | '`' => {
                while let Some((_, inner)) = rest.next() {
                    if inner == '\\' && char != '`' {
                        rest.next();
                    } else if inner == char {
                        break;
                    }
                }
            }
            '/' if rest.next_if(|(_, next)| *next == '/').is_some() => {
                while rest.next_if(|(_, next)| *next != '\n').is_some() {}
            }
            '/' if rest.next_if(|(_, next)| *next == '*').is_some() => {
                let mut last = ' ';
                for (_, inner) in rest.by_ref() {
                    if last == '*' && inner == '/' {
                        break;
                    }
                    last = inner;
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        Token::lexer(text).map(|token| token.unwrap_or(Token::Error)).collect()
    }

    #[test]
    fn what_a_scenario_is_made_of() {
        assert_eq!(tokens("10.1.0.89:58927"), [Token::AddressPort("10.1.0.89:58927")]);
        assert_eq!(tokens("192.168.0.0/16 /26"), [Token::Cidr("192.168.0.0/16"), Token::PrefixLength("/26")]);
        assert_eq!(tokens("00:50:56:93:1c:47"), [Token::Mac("00:50:56:93:1c:47")]);
        assert_eq!(
            tokens("53/UDP 14s 3.16.1"),
            [Token::PortProtocol("53/UDP"), Token::Duration("14s"), Token::Version("3.16.1")]
        );
        assert_eq!(tokens("iks/nginx-7ndcw"), [Token::Qualified("iks/nginx-7ndcw")]);
        assert_eq!(tokens("wordpress-db:3306"), [Token::NamePort("wordpress-db:3306")]);
        assert_eq!(tokens("k8s-app=kube-dns,"), [Token::Label("k8s-app=kube-dns"), Token::Comma]);
        assert_eq!(tokens("http://10.1.110.105/wordpress/"), [Token::Url("http://10.1.110.105/wordpress/")]);
        assert_eq!(tokens("a->b # c"), [Token::Name("a"), Token::Arrow, Token::Name("b")]);
        assert_eq!(tokens("7ndcw"), [Token::Name("7ndcw")]);
    }

    #[test]
    fn text_may_have_lines_and_labels_quotes() {
        assert_eq!(tokens("\"\" x"), [Token::Text(""), Token::Name("x")]);
        assert_eq!(tokens("\"\"\"\n a\n\"\"\" x"), [Token::TextBlock("\n a\n"), Token::Name("x")]);
        assert_eq!(tokens("\"\"\"\n a"), [Token::Error]);
        assert_eq!(tokens("a/b='c, d' e"), [Token::Label("a/b='c, d'"), Token::Name("e")]);
    }

    #[test]
    fn an_island_ends_at_its_own_brace() {
        assert_eq!(tokens("${ #{a: \"}\"}.a } x"), [Token::Island(" #{a: \"}\"}.a "), Token::Name("x")]);
        assert_eq!(tokens("${ hops.len(\nx"), [Token::Error, Token::Eol, Token::Name("x")]);
    }
}
