use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Span;

/// Something to tell the user about a place in a scenario. It is data: [`render`](crate::render()) prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// What kind of thing it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub title: String,
    /// The places that show it; the first primary one is where the user has to look.
    pub labels: Vec<Label>,
    /// What there is to see beyond the places, as lines of text: the path of a packet, the ways it could go.
    pub text: Option<String>,
    /// What to write instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error, without labels yet.
    pub fn error(code: Code, title: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, title: title.into(), labels: Vec::new(), text: None, hint: None }
    }

    /// With the place where the user has to look, and what is to be seen there.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into(), primary: true });
        self
    }

    /// With another place that has to do with it.
    #[must_use]
    pub fn see(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into(), primary: false });
        self
    }

    /// The same as a warning: the scenario runs.
    #[must_use]
    pub fn warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// With more to see, if there is any: lines of text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into()).filter(|text| !text.is_empty());
        self
    }

    /// With what to write instead, if that is known.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The place where the user has to look.
    pub fn span(&self) -> Option<Span> {
        let primary = self.labels.iter().find(|label| label.primary);
        primary.or(self.labels.first()).map(|label| label.span)
    }
}

/// A place, and what is to be seen there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there; may be empty.
    pub text: String,
    /// Whether the user has to look here first.
    pub primary: bool,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Suspicious; the scenario runs.
    Warning,
    /// The scenario does not run, or what it expects is not so.
    Error,
}

/// Whether any of them keeps a scenario from running.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)*) => {
        /// The kinds of diagnostics. A code keeps its meaning for ever, so that it can be looked up and searched for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Code {
            /// Every code, in order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its number: 1xx reading, 2xx declarations, 3xx names, 4xx islands, 5xx running, 6xx manifests.
            pub const fn number(self) -> u16 {
                match self { $(Self::$name => $number),* }
            }

            /// What it means, and how to get rid of it.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc, "\n"),+)),* }
            }
        }
    };
}

codes! {
    /// A word stands where the grammar has none such; the label says what may stand there.
    Unexpected = 101,
    /// A sentence begins with a word that no sentence begins with, often a misspelt one.
    UnknownWord = 102,
    /// A piece of text is no word, address, number or anything else a scenario is made of.
    BadToken = 103,
    /// `${`, `{` or `"` is not closed, or a `}` closes nothing.
    Unclosed = 104,
    /// Something is longer or nested deeper than a scenario may be.
    TooMuch = 105,
    /// A file that a scenario includes or applies cannot be read, or may not: it has to lie below the scenario's folder.
    Unreadable = 106,
    /// A sentence stands in a block that it does not belong in.
    Misplaced = 201,
    /// Something is said twice that can be said once.
    Duplicate = 202,
    /// Something that has to be said is not.
    Missing = 203,
    /// A value is not one of those that the sentence takes.
    BadValue = 204,
    /// A number is no port: ports go from 1 to 65535.
    BadPort = 205,
    /// An address lies outside the pool or the CIDR that it has to come from.
    OutsidePool = 206,
    /// What is said is kept and shown, but nothing in the model acts on it.
    NotModelled = 207,
    /// A range has fewer addresses than the file asks of it.
    TooSmall = 208,
    /// Two ranges of addresses have some in common.
    Overlap = 209,
    /// A network policy, or a peer of one, selects none of the pods that are declared.
    SelectsNothing = 210,
    /// Nothing of that name is declared in the file.
    UnknownName = 301,
    /// No flow of that name has been sent by then: `send`, `get`, `ping` and `resolve` name one with `as`.
    UnknownFlow = 302,
    /// The Rhai in an island or a `rhai` block cannot be read.
    Island = 401,
    /// An island names a variable that there is not.
    UnknownVariable = 402,
    /// An island calls a function that there is not.
    UnknownFunction = 403,
    /// An island asks for a property that the object does not have.
    UnknownProperty = 404,
    /// The Rhai in an island failed while it ran.
    IslandFailed = 405,
    /// The value of an island is not of the kind that its place in the sentence takes.
    BadIsland = 406,
    /// The world refused an operation.
    Refused = 501,
    /// What a scenario expects is not what happened.
    ExpectationFailed = 502,
    /// What a scenario asserts is not true.
    AssertionFailed = 503,
    /// A limit was hit, in the world or in an island: on events, operations, depth or size. Whether what was asked for is
    /// right or wrong is not known.
    LimitHit = 504,
    /// A test that is said to fail has passed: what it waits for may have come.
    UnexpectedPass = 505,
    /// A test passes whatever becomes of the network: it sends nothing, expects nothing, or asserts what is true anyway.
    Vacuous = 506,
    /// What a test prints is not what the file of expected output beside the scenario has.
    OutputDiffers = 507,
    /// A manifest has an object of a kind that the model has no use for. It is left alone; everything else is taken.
    UnknownKind = 601,
    /// A manifest names a version of Kubernetes' API that a release has stopped to take. The object is taken.
    Deprecated = 602,
    /// A manifest asks for something that the model does not do, and that packets would notice.
    Unmodelled = 603,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:04}", self.number())
    }
}
