//! The table of codes: what each kind of diagnostic means, a text that yields it, and the cure.

use std::fmt;
use std::str::FromStr;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal, $example:literal => $cure:literal;)*) => {
        /// The kinds of diagnostics. A code keeps its meaning for ever, so that it can be looked up and searched for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Code {
            /// Every code, in order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its number: 1xx reading, 2xx declarations, 3xx names, 4xx islands, 5xx running, 6xx manifests, 7xx what is
            /// legal and surely wrong. One of the last that is meant so is kept quiet by a comment in its line:
            /// `# allow E0701`.
            pub const fn number(self) -> u16 {
                match self { $(Self::$name => $number),* }
            }

            /// What it means.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc, "\n"),+)),* }
            }

            /// A text that yields it: a scenario, and of the codes from 600 to 699 a manifest.
            pub const fn example(self) -> &'static str {
                match self { $(Self::$name => $example),* }
            }

            /// How to get rid of it.
            pub const fn cure(self) -> &'static str {
                match self { $(Self::$name => $cure),* }
            }
        }
    };
}

codes! {
    /// A word stands where the grammar has none such; the label says what may stand there.
    Unexpected = 101, "node worker1 at 10.0.0.1\nsend worker1 => worker1:80 tcp as hello\n"
        => "Write one of the things that the label lists. The hint shows how the whole sentence goes.";
    /// A sentence begins with a word that no sentence begins with, often a misspelt one.
    UnknownWord = 102, "nod worker1 at 10.0.0.1\n"
        => "Take the word that the label suggests, or one of those in the hint: it lists what a block may hold.";
    /// A piece of text is no word, address, number or anything else a scenario is made of.
    BadToken = 103, "node worker1 @ 10.0.0.1\n"
        => "Remove the characters, or put them in quotes if they are meant as text.";
    /// `${`, `{` or `"` is not closed, or a `}` closes nothing.
    Unclosed = 104, "test \"hello { wait 1s }\n"
        => "Close what the label points at. `${ }` and `\"` end on the line they begin on.";
    /// Something is longer, larger or nested deeper than a scenario may be. The exit status is 3.
    TooMuch = 105, "wait 900000h\n"
        => "Stay within the bound that the message names, or split the scenario.";
    /// A file that a scenario includes or applies cannot be read.
    Unreadable = 106, "include \"nodes.scn\"\n"
        => "Check the path: it begins at the folder of the file that names it. The label says what the system answered.";
    /// A file that a scenario includes or applies lies outside the scenario's folder. Nothing there is read.
    OutsideFolder = 107, "include \"/etc/passwd\"\n"
        => "Move the file below the scenario's folder, or the scenario to a folder above the file.";
    /// A file includes itself, at once or by way of others.
    IncludesItself = 108, "include \"example.scn\"\n"
        => "Remove one `include` of the circle. A file that several others need may be included by each of them: it is \
            read once.";
    /// A sentence stands in a block that it does not belong in.
    Misplaced = 201, "namespace default { node worker1 at 10.0.0.1 }\n"
        => "Move the sentence to the block that the label names.";
    /// Something is said twice that can be said once.
    Duplicate = 202, "node worker1 at 10.0.0.1\nnode worker1 at 10.0.0.2\n"
        => "Remove one of the two places, or give one of them another name or value.";
    /// Something that has to be said is not.
    Missing = 203, "node worker1\n"
        => "Add what the label asks for.";
    /// A value is not one of those that the sentence takes.
    BadValue = 204, "node worker1 at 10.0.0.256\n"
        => "Write a value of the form that the label names.";
    /// A number is no port, or none that may stand here: ports go from 1 to 65535, node ports from 30000 to 32767 unless the
    /// cluster says otherwise.
    BadPort = 205, "node worker1 at 10.0.0.1\nsend worker1 -> 10.0.0.2:70000 tcp as hello\n"
        => "Choose a port of the range that the label names.";
    /// An address lies outside the pool or the CIDR that it has to come from.
    OutsidePool = 206, "pool machines 10.0.0.0/24\nnode worker1 at 10.0.1.1\n"
        => "Take an address of the range that the second label shows, or widen that range.";
    /// An ingress asks nginx for something that the model does not do, and packets would notice.
    NotModelled = 207,
        "node worker1 at 10.0.0.1\nnamespace default {\n  pod web { labels app=web; container nginx { port 80; serve http } }\n  \
         service web { selector app=web; port 80 }\n  ingress web {\n    annotations nginx.ingress.kubernetes.io/limit-rps=\"5\"\n    \
         path Prefix / -> web:80\n  }\n}\n"
        => "Leave it out, or say it with one of the annotations that the hint lists.";
    /// A range has fewer addresses than the file asks of it.
    TooSmall = 208, "cluster c { serviceCIDR 10.96.0.0/28 }\n"
        => "Take the larger range that the hint names.";
    /// Two ranges of addresses have some in common.
    Overlap = 209, "cluster c { podCIDR 10.96.0.0/16 }\npool machines 10.96.1.0/24\n"
        => "Move one of the two ranges. The hint names one that is free.";
    /// Nothing of that name is declared in the file.
    UnknownName = 301, "node worker1 at 10.0.0.1\nping worker1 -> worker2 as hello\n"
        => "Correct the name, or declare what it names. A bare name is one of namespace `default`: elsewhere it is \
            `namespace/name`.";
    /// No flow of that name has been sent by then: `send`, `get`, `ping` and `resolve` name one with `as`.
    UnknownFlow = 302, "node worker1 at 10.0.0.1\nexpect hello delivered\n"
        => "Send it first, and name it: `ping worker1 -> worker1 as hello`. A flow that is sent in a test is known in that \
            test only.";
    /// The Rhai in an island or a `rhai` block cannot be read.
    Island = 401, "assert ${ 1 + * 2 == 2 }\n"
        => "Mend the expression at the place that the label points at. Loops, modules and `eval` are not available in a \
            scenario.";
    /// An island names a variable that there is not.
    UnknownVariable = 402, "assert ${ limit == 2 }\n"
        => "Use one of the names that the hint lists: flows that have been sent, loop variables and constants of `rhai` \
            blocks.";
    /// An island calls a function that there is not.
    UnknownFunction = 403, "assert ${ servcie(\"web\").endpoints.len() == 2 }\n"
        => "Correct the name, or define the function in a `rhai` block.";
    /// An island asks for a property that the object does not have.
    UnknownProperty = 404, "node worker1 at 10.0.0.1\nping worker1 -> worker1 as hello\nassert ${ hello.staus == 200 }\n"
        => "Use one of the properties that the hint lists.";
    /// The Rhai in an island failed while it ran.
    IslandFailed = 405, "assert ${ [1, 2][5] == 1 }\n"
        => "Mend the expression at the place that the label points at, or guard it with an `if`.";
    /// The value of an island is not of the kind that its place in the sentence takes.
    BadIsland = 406, "assert ${ 1 + 1 }\n"
        => "Let the island give what the sentence takes: `assert` and `if` take true or false, `for` takes a list.";
    /// The world refused an operation.
    Refused = 501, "node worker1 at 10.0.0.1\nrestore node worker1\n"
        => "The message says what stands in the way; the hint, what would do.";
    /// What a scenario expects is not what happened.
    ExpectationFailed = 502, "node worker1 at 10.0.0.1\nping worker1 -> worker1 as hello\nexpect hello timeout\n"
        => "Compare what was expected with what happened: the label tells it. `trace hello all` shows every rule that was \
            tried.";
    /// What a scenario asserts is not true.
    AssertionFailed = 503, "assert ${ 1 + 1 == 3 }\n"
        => "The labels show the value of each part of the expression.";
    /// A limit was hit, in the world or in an island: on events, operations, depth or size. Whether what was asked for is
    /// right or wrong is not known. The exit status is 3.
    LimitHit = 504,
        "rhai { fn deeper(n) { deeper(n + 1) } }\nassert ${ deeper(0) == 1 }\n"
        => "Let recursions and loops end, keep waits and lists shorter, look for packets that go in circles. The message names \
            the bound.";
    /// A test that is said to fail has passed: what it waits for may have come.
    UnexpectedPass = 505, "node worker1 at 10.0.0.1\ntest \"pings\" fails \"worker1 is broken\" {\n  ping worker1 -> worker1 as hello\n  expect hello delivered\n}\n"
        => "Leave `fails` out: the test holds now.";
    /// A test passes whatever becomes of the network: it sends nothing, expects nothing, or asserts what is true anyway.
    Vacuous = 506, "node worker1 at 10.0.0.1\ntest \"sums\" { assert ${ 1 + 1 == 2 } }\n"
        => "Send something in the test, and expect something of it that a change could break.";
    /// What a test prints is not what the file of expected output beside the scenario has.
    OutputDiffers = 507, "test \"routes\" { wait 1s }\n"
        => "Read the difference. If it is right, `scn test --bless` accepts it.";
    /// A manifest has an object of a kind that the model has no use for. It is left alone; everything else is taken.
    UnknownKind = 601, "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\n"
        => "Nothing has to be done, unless the kind is misspelt.";
    /// A manifest names a version of Kubernetes' API that a release has stopped to take. The object is taken.
    Deprecated = 602,
        "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    metadata: {labels: {app: web}}\n    \
         spec: {containers: [{name: nginx, image: nginx}]}\n"
        => "Write the `apiVersion` of today, which the message names.";
    /// A manifest asks for something that the model does not do, and that packets would notice.
    Unmodelled = 603,
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  nodeSelector: {disk: ssd}\n  containers: [{name: nginx, image: nginx}]\n"
        => "Say it in the way that the hint names, or bear in mind that the answer may differ from a real cluster's.";
    /// A selector selects no pod. A service has no endpoints then, and connections to it are refused; a network policy
    /// isolates nobody, and a peer of one lets nobody through.
    SelectsNothing = 701,
        "node worker1 at 10.0.0.1\nnamespace default {\n  pod web { labels app=web; container nginx { port 80; serve http } }\n  service web { selector app=wbe; port 80 }\n}\n"
        => "Write the labels that the pods have. A selector looks in the service's own namespace only, and a pod has to have \
            all of its labels.";
    /// A service has neither a selector nor endpoints: connections to it are refused.
    NoEndpoints = 702, "node worker1 at 10.0.0.1\nnamespace default { service web { port 80 } }\n"
        => "Give the service a `selector`, or write its `endpoints`.";
    /// A port of a service leads to a port that no container of its pods has: connections to it are refused.
    NoSuchTarget = 703, "node worker1 at 10.0.0.1\nnamespace default {\n  pod web { labels app=web; container nginx { port 80; serve http } }\n  service web { selector app=web; port 8080 }\n}\n"
        => "Write the container's port behind `->`: `port 8080 -> 80`. In a manifest it is the `targetPort`.";
    /// A port of a service leads to the name of a port, and no container of its pods has a port of that name.
    NoSuchPortName = 704, "node worker1 at 10.0.0.1\nnamespace default {\n  pod web { labels app=web; container nginx { port 80; serve http } }\n  service web { selector app=web; port 80 -> http }\n}\n"
        => "Name the container's port: `port 80 as http`, or write its number.";
    /// An ingress leads to a port that the service does not have: nginx answers 503.
    NoSuchServicePort = 705,
        "node worker1 at 10.0.0.1\nnamespace default {\n  pod web { labels app=web; container nginx { port 80; serve http } }\n  service web { selector app=web; port 80 }\n  ingress web { path Prefix / -> web:8080 }\n}\n"
        => "Write one of the service's own ports. An ingress leads to the port of the service, by number or by name, not to that of the container; ingress-nginx alone takes a `targetPort` for it.";
    /// A field is taken, but nothing acts on it together with the others.
    NoEffect = 706,
        "node worker1 at 10.0.0.1\nnamespace default {\n  pod web { labels app=web; container nginx { port 80; serve http } }\n  service web { selector app=web; port 80; clusterIP None; sessionAffinity ClientIP }\n}\n"
        => "Leave the field out, or change what keeps it from having an effect.";
    /// Two pods on the network of the same node want the same port: the second cannot listen on it.
    PortClash = 707,
        "node worker1 at 10.0.0.1\nnamespace default {\n  pod a on worker1 hostNetwork true { container nginx { port 80; serve http } }\n  \
         pod b on worker1 hostNetwork true { container nginx { port 80; serve http } }\n}\n"
        => "Put one of them on another node, or give it another port or a network of its own.";
    /// A deployment has no pods, and nothing in the file scales it.
    NoReplicas = 708,
        "node worker1 at 10.0.0.1\nnamespace default { deployment web { replicas 0; container nginx { port 80; serve http } } }\n"
        => "Give it `replicas`, scale it in a test, or leave it out.";
    /// Something is sent, and nothing after it shows or judges what became of it.
    UnseenFlow = 710, "node worker1 at 10.0.0.1\nping worker1 -> worker1 as hello\n"
        => "Look at it, by `expect`, `assert`, `trace` or `show`, or leave it out.";
    /// Nothing takes an address of a pool.
    UnusedPool = 711, "pool machines 10.0.1.0/24\n"
        => "Leave the pool out. One for services says `for LoadBalancer`, and a service takes an address of it with \
            `type LoadBalancer`.";
}

impl Code {
    /// Whether it tells that a bound was passed, and the exit status is 3.
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::TooMuch | Self::LimitHit)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:04}", self.number())
    }
}

/// That a text is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code is one such as E0301")]
pub struct NoCode;

/// ```
/// use netscene_lang::Code;
/// assert_eq!("E0301".parse(), Ok(Code::UnknownName));
/// assert_eq!("e301".parse(), Ok(Code::UnknownName));
/// assert!("E9999".parse::<Code>().is_err());
/// ```
impl FromStr for Code {
    type Err = NoCode;

    fn from_str(text: &str) -> Result<Self, NoCode> {
        let number = text.trim().trim_start_matches(['E', 'e']).parse::<u16>().map_err(|_| NoCode)?;
        Self::ALL.iter().copied().find(|code| code.number() == number).ok_or(NoCode)
    }
}
