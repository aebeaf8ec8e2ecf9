//! The words of the language, in one table: where each may begin a sentence, how the sentence goes, what it is for.
//!
//! The lexer, the checks, their suggestions and the grammar all read this table; so can help, completion and
//! documentation. A word is written here and nowhere else: `build.rs` makes a terminal of the grammar of it.

use std::sync::LazyLock;

/// A pair of braces, by what its sentences are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BlockKind {
    /// No braces: the file itself.
    #[default]
    File,
    /// `cluster NAME { }`
    Cluster,
    /// `kubeProxy iptables VERSION { }`
    KubeProxy,
    /// `namespace NAME { }`
    Namespace,
    /// `pod NAME { }`
    Pod,
    /// `deployment NAME { }` and `daemonSet NAME { }`
    Workload,
    /// `dnsConfig { }`
    DnsConfig,
    /// `zone NAME { }`
    Zone,
    /// `container NAME { }`
    Container,
    /// `serve http { }`
    Serve,
    /// `service NAME { }`
    Service,
    /// `endpoints NAME { }`
    Endpoints,
    /// `ingress NAME { }`
    Ingress,
    /// `configMap NAME { }`
    ConfigMap,
    /// `networkPolicy NAME { }`
    NetworkPolicy,
    /// `ingress { }` and `egress { }` of a network policy.
    PolicyRule,
    /// `host NAME { }`
    Host,
    /// `node NAME { }`
    Node,
    /// `router NAME { }`
    Router,
    /// `on NODE { }`
    OnNode,
    /// `test "…" { }`, and what `for` and `if` repeat or decide.
    Test,
    /// `cases { }`: rows of a table.
    Cases,
    /// The body of a sentence that could not be read: anything may stand in it.
    Unknown,
}

impl BlockKind {
    /// Every block whose words are known.
    pub const ALL: &'static [Self] = &[
        Self::File,
        Self::Cluster,
        Self::KubeProxy,
        Self::Namespace,
        Self::Pod,
        Self::Workload,
        Self::DnsConfig,
        Self::Zone,
        Self::Container,
        Self::Serve,
        Self::Service,
        Self::Endpoints,
        Self::Ingress,
        Self::ConfigMap,
        Self::NetworkPolicy,
        Self::PolicyRule,
        Self::Host,
        Self::Node,
        Self::Router,
        Self::OnNode,
        Self::Test,
    ];

    /// What the reference calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Cluster => "cluster",
            Self::KubeProxy => "kubeProxy",
            Self::Namespace => "namespace",
            Self::Pod => "pod",
            Self::Workload => "workload",
            Self::DnsConfig => "dnsConfig",
            Self::Zone => "zone",
            Self::Container => "container",
            Self::Serve => "serve",
            Self::Service => "service",
            Self::Endpoints => "endpoints",
            Self::Ingress => "ingress",
            Self::ConfigMap => "configMap",
            Self::NetworkPolicy => "networkPolicy",
            Self::PolicyRule => "policy rule",
            Self::Host => "host",
            Self::Node => "node",
            Self::Router => "router",
            Self::OnNode => "on",
            Self::Cases => "cases",
            Self::Test => "test",
            Self::Unknown => "braces",
        }
    }

    /// What it is called in a message.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Cluster => "a cluster",
            Self::KubeProxy => "`kubeProxy`",
            Self::Namespace => "a namespace",
            Self::Pod => "a pod",
            Self::Workload => "a deployment, daemonSet or statefulSet",
            Self::DnsConfig => "`dnsConfig`",
            Self::Zone => "a zone",
            Self::Container => "a container",
            Self::Serve => "`serve http`",
            Self::Service => "a service",
            Self::Endpoints => "`endpoints`",
            Self::Ingress => "an ingress",
            Self::ConfigMap => "a configMap",
            Self::NetworkPolicy => "a networkPolicy",
            Self::PolicyRule => "a rule of a networkPolicy",
            Self::Host => "a host",
            Self::Node => "a node",
            Self::Router => "a router",
            Self::OnNode => "`on NODE`",
            Self::Test => "a test, a `for` or an `if`",
            Self::Cases => "`cases`",
            Self::Unknown => "braces",
        }
    }

    /// The words that may begin a sentence in it, in the order of the table.
    pub fn words(self) -> impl Iterator<Item = Word> {
        Word::ALL.iter().copied().filter(move |word| match self {
            Self::Unknown => !word.blocks().is_empty(),
            _ => word.blocks().contains(&self),
        })
    }
}

macro_rules! words {
    ($($name:ident $text:literal [$($block:ident)*] $syntax:literal $help:literal;)*) => {
        /// A word that means something by itself. Each may still be the name of a pod or a node.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Word { $(#[doc = concat!("`", $text, "`")] $name,)* }

        impl Word {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word as it is written.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The word written so.
            pub fn from_text(text: &str) -> Option<Self> {
                static BY_TEXT: LazyLock<Vec<(&str, Word)>> = LazyLock::new(|| {
                    let mut words: Vec<_> = Word::ALL.iter().map(|word| (word.text(), *word)).collect();
                    words.sort_unstable_by_key(|(text, _)| *text);
                    words
                });
                let found = BY_TEXT.binary_search_by_key(&text, |(text, _)| text);
                found.ok().and_then(|at| BY_TEXT.get(at)).map(|(_, word)| *word)
            }

            /// The blocks in which it may begin a sentence; none for a word that only stands inside of sentences.
            pub const fn blocks(self) -> &'static [BlockKind] {
                match self { $(Self::$name => &[$(BlockKind::$block),*]),* }
            }

            /// Whether it may be the name of a flow, too, as every word should: but `expect not delivered` would mean
            /// something else if a flow could be called `not`, and `expect conntrack` is a sentence of its own.
            pub const fn may_be_a_name(self) -> bool {
                !matches!(self, Self::Not | Self::Conntrack)
            }

            /// How a sentence that it begins goes, or the part of a sentence that it introduces.
            pub const fn syntax(self) -> &'static str {
                match self { $(Self::$name => $syntax),* }
            }

            /// What it is for, in a line.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$name => $help),* }
            }
        }
    };
}

words! {
    // Declarations.
    Cluster "cluster" [File] "cluster NAME { … }" "the cluster's settings";
    Pool "pool" [File] "pool NAME (CIDR | ADDRESS to ADDRESS) [gateway ADDRESS [mac MAC]] [for LoadBalancer [autoAssign false]]" "a range of addresses";
    Node "node" [File] "node NAME at ADDRESS [podCIDR CIDR] [mac MAC] [device NAME] [hostname NAME] [zone NAME] [{ labels …; device …; route …; sysctl NAME VALUE; iptables … }]" "a machine of the cluster";
    Host "host" [File Ingress] "host NAME at ADDRESS [mac MAC] [gateway ADDRESS] [{ container …; route …; iptables … }], or in an ingress: host NAME path …" "a machine outside the cluster; the host of an ingress path";
    Network "network" [File] "network NAME CIDR [gateway ADDRESS [mac MAC]]" "an Ethernet segment with its addresses, as a pool of machines is";
    Router "router" [File] "router NAME { device …; route …; iptables …; sysctl … }" "a machine that forwards between networks";
    Include "include" [File Test] "include \"FILE\"" "the sentences of another file: once in a file, and once in each test that includes it";
    Apply "apply" [File Test] "apply \"FILE\"" "the objects of a Kubernetes manifest; in a test, for that test";
    Load "load" [File] "load node NAME from \"FOLDER\"" "a real node, by what its own tools have printed";
    Namespace "namespace" [File Test] "namespace NAME { … }" "a namespace of Kubernetes and what is in it; in a test, for that test";
    Deployment "deployment" [Namespace] "deployment NAME { … }" "pods made from one template";
    DaemonSet "daemonSet" [Namespace] "daemonSet NAME { … }" "one pod on every node";
    StatefulSet "statefulSet" [Namespace] "statefulSet NAME { … }" "pods NAME-0, NAME-1, … whose names stay";
    Pod "pod" [Namespace Workload] "pod NAME [on NODE] [at ADDRESS] [interfaceName NAME] [hostNetwork true] [status Running|Completed|Error] [restarts COUNT] [ready false] [terminating true] [{ … }]" "a pod";
    Service "service" [Namespace] "service NAME { … }" "one address for many pods";
    Ingress "ingress" [Namespace NetworkPolicy] "ingress NAME { … }, or in a networkPolicy: ingress { … }" "which paths of a site lead to which services; what may come to pods";
    ConfigMap "configMap" [Namespace] "configMap NAME { … }" "texts by name";
    NetworkPolicy "networkPolicy" [Namespace] "networkPolicy NAME { … }" "what may come to pods, and what they may send";

    // The fields of a cluster.
    PodCidr "podCIDR" [Cluster] "podCIDR CIDR [in blocks of /N]" "the addresses of pods; of a node: its block of them";
    ServiceCidr "serviceCIDR" [Cluster] "serviceCIDR CIDR" "the addresses of services";
    Overlay "overlay" [Cluster] "overlay ipip always|crossSubnet|never" "when packets between nodes travel in IP-in-IP";
    KubeProxy "kubeProxy" [Cluster] "kubeProxy iptables VERSION [{ … }]" "the release whose rules kube-proxy writes (1.20 where nothing is said), and how it is configured";
    Calico "calico" [Cluster] "calico VERSION" "the release of Calico; 3.16 where nothing is said";
    Metallb "metallb" [Cluster] "metallb VERSION" "the release of MetalLB; 0.8 where nothing is said";
    Kubectl "kubectl" [Cluster] "kubectl VERSION" "the release of kubectl; kubeProxy's, when not given";
    Iptables "iptables" [Cluster OnNode Node Host Router] "in a cluster: iptables VERSION; on a machine: iptables -…" "the release of iptables (1.6.1 where nothing is said, with kubeProxy 1.36 it is 1.8.9); a command to run";
    Route "route" [Node Host Router] "route CIDR|default via ADDRESS" "a route of the machine";
    Sysctl "sysctl" [Node Router] "sysctl NAME VALUE" "a setting of the machine's kernel";
    Kernel "kernel" [Cluster] "kernel VERSION" "the kernel of the nodes; 4.15 where nothing is said";
    Mtu "mtu" [Cluster] "mtu BYTES" "the MTU of pods and of tunl0; where nothing is said, the one that the release of Calico gives them on machines with 1500";
    Domain "domain" [Cluster] "domain NAME" "the domain of the cluster's names";

    NodePortRange "nodePortRange" [Cluster] "nodePortRange PORT to PORT" "the ports that the API server gives out as node ports";

    // How kube-proxy is configured.
    Order "order" [KubeProxy] "order SERVICE[:PORTNAME], …" "in which order the rules of services are written";
    MasqueradeAll "masqueradeAll" [KubeProxy] "masqueradeAll true|false" "whether pods that ask for a cluster IP are masqueraded";
    MasqueradeBit "masqueradeBit" [KubeProxy] "masqueradeBit NUMBER" "the bit of the mark of what is to be masqueraded";
    DetectLocalMode "detectLocalMode" [KubeProxy] "detectLocalMode ClusterCIDR|NodeCIDR|BridgeInterface NAME|InterfaceNamePrefix PREFIX" "how the traffic of pods is told from others";
    NodePortAddresses "nodePortAddresses" [KubeProxy] "nodePortAddresses CIDR, …" "the addresses of a node that have node ports";
    LocalhostNodePorts "localhostNodePorts" [KubeProxy] "localhostNodePorts true|false" "node ports at 127.0.0.1";
    TcpBeLiberal "tcpBeLiberal" [KubeProxy] "tcpBeLiberal true|false" "whether no TCP segment is INVALID for its place in the window";

    // The fields of workloads.
    Replicas "replicas" [Workload] "replicas COUNT [on NODE, …]" "how many pods, and where";
    Labels "labels" [Namespace Pod Workload Service ConfigMap NetworkPolicy Node] "labels KEY=VALUE, …" "its labels; of a deployment: those of its pods";
    Annotations "annotations" [Service Ingress ConfigMap NetworkPolicy] "annotations KEY=VALUE, KEY='VALUE', …" "its annotations";
    HostNetwork "hostNetwork" [Pod Workload] "hostNetwork true|false" "whether the pods run in the network of their node";
    ServiceAccount "serviceAccount" [Pod Workload] "serviceAccount NAME" "the service account of the pods";
    Container "container" [Pod Workload Host] "container NAME [{ … }]" "a container";
    Port "port" [Container Service Endpoints PolicyRule] "port PORT[/UDP] [-> PORT or its name] [as NAME] [nodePort PORT]; in a networkPolicy: port PORT[/UDP] | port PORT to PORT[/UDP] | port NAME[/UDP] | port TCP|UDP" "a port";
    Serve "serve" [Container] "serve http [root PATH] [{ … }] | serve tcp | serve echo | serve close | serve dns [{ … }] | serve zones | serve ingress-nginx" "what runs in the container";
    On "on" [Serve File Test] "on NODE { iptables … }, or in serve http: on GET PATH [connect HOST:PORT, …] [after 2s] [status CODE] [body \"TEXT\"] [redirect PATH|URL] [echo|close|reset]" "commands on a node; what a server does for a request";
    Pods "pods" [Serve] "in serve dns: pods insecure|verified|disabled" "which addresses have names as pods";
    DocumentRoot "documentRoot" [Container] "documentRoot PATH" "the folder that the web server serves";
    WorkingDir "workingDir" [Container] "workingDir PATH" "where paths begin that do not begin with /";
    Volume "volume" [Pod Workload] "volume NAME" "files that containers of the pod share";
    VolumeMount "volumeMount" [Container] "volumeMount NAME at PATH" "where a container has a volume";
    File "file" [Container] "file PATH [\"text\" | assets URL, …]" "a file, or a page and what it needs";

    ServiceName "serviceName" [Workload] "serviceName SERVICE" "of a statefulSet: the headless service under which its pods have names";
    Subdomain "subdomain" [Pod] "subdomain SERVICE" "the headless service under which the pod is called as its hostname says";
    DnsPolicy "dnsPolicy" [Pod Workload] "dnsPolicy ClusterFirst|ClusterFirstWithHostNet|Default|None" "where the pod's resolv.conf comes from";
    DnsConfig "dnsConfig" [Pod Workload] "dnsConfig { nameservers …; searches …; options … }" "what is added to it";
    Nameservers "nameservers" [DnsConfig Cluster] "nameservers ADDRESS, …" "whom to ask for names; of a cluster: what its machines' resolv.conf says";
    Searches "searches" [DnsConfig Cluster] "searches DOMAIN, …" "what to put behind names; of a cluster: what its machines' resolv.conf says";
    Options "options" [DnsConfig] "options ndots=N, timeout=SECONDS, attempts=N" "how names are asked for";

    Record "record" [Zone] "record NAME A ADDRESS, record NAME CNAME NAME, or record NAME TXT \"TEXT\"" "a record of a zone; of `\"@\"` for the zone itself, of `*.NAME` for what no other is for";

    // The fields of services and ingresses.
    Type "type" [Service] "type ClusterIP|NodePort|LoadBalancer|ExternalName" "how the service is reached";
    ClusterIp "clusterIP" [Service] "clusterIP ADDRESS|None" "its address inside the cluster";
    ExternalIps "externalIPs" [Service] "externalIPs ADDRESS, …" "addresses that lead to a node by themselves";
    ExternalName "externalName" [Service] "externalName NAME" "the name that it stands for";
    SessionAffinity "sessionAffinity" [Service] "sessionAffinity ClientIP|None [timeout 3h]" "whether a client keeps its endpoint, and how long";
    ExternalTrafficPolicy "externalTrafficPolicy" [Service] "externalTrafficPolicy Cluster|Local" "which endpoints are for what comes from outside";
    InternalTrafficPolicy "internalTrafficPolicy" [Service] "internalTrafficPolicy Cluster|Local" "which endpoints are for what comes to the clusterIP";
    LoadBalancerSourceRanges "loadBalancerSourceRanges" [Service] "loadBalancerSourceRanges CIDR, …" "who may use its address outside the cluster";
    IpMode "ipMode" [Service] "ipMode VIP|Proxy" "whether nodes take that address for their own";
    AllocateLoadBalancerNodePorts "allocateLoadBalancerNodePorts" [Service] "allocateLoadBalancerNodePorts true|false" "whether the ports of a LoadBalancer get node ports";
    HealthCheckNodePort "healthCheckNodePort" [Service] "healthCheckNodePort PORT" "where each node says whether it has an endpoint";
    PublishNotReadyAddresses "publishNotReadyAddresses" [Service] "publishNotReadyAddresses true|false" "whether pods that are not ready count as ready";
    TrafficDistribution "trafficDistribution" [Service] "trafficDistribution PreferClose|PreferSameZone|PreferSameNode" "which endpoints are preferred";
    LoadBalancerIp "loadBalancerIP" [Service] "loadBalancerIP ADDRESS" "its address outside the cluster";
    LoadBalancerClass "loadBalancerClass" [Service] "loadBalancerClass NAME" "who is to give it that address, in MetalLB's place";
    Selector "selector" [Service] "selector KEY=VALUE, …" "which pods are behind it";
    Endpoints "endpoints" [Service Namespace] "endpoints ADDRESS:PORT [on NODE] [ready false] [terminating true], …; in a namespace: endpoints SERVICE { addresses …; port … }" "endpoints of a service without selector";
    Addresses "addresses" [Endpoints] "addresses ADDRESS [on NODE] [ready false] [terminating true], …" "where the endpoints are: each has every port";
    Path "path" [Ingress] "[host NAME] path Exact|Prefix|ImplementationSpecific PATH -> SERVICE:PORT" "a path and the service behind it";
    IngressClassName "ingressClassName" [Ingress] "ingressClassName NAME" "the controller it is for";
    Tls "tls" [Ingress] "tls HOST, …" "the hosts there are certificates for";
    DefaultBackend "defaultBackend" [Ingress] "defaultBackend SERVICE:PORT" "for what no path is for";

    // The fields of config maps.
    Data "data" [ConfigMap] "data KEY (\"TEXT\" | \"\"\" lines of text \"\"\")" "a text, by its key";

    // The fields of network policies.
    PodSelector "podSelector" [NetworkPolicy] "podSelector all | KEY=VALUE, KEY In|NotIn VALUE VALUE, KEY Exists|DoesNotExist, …" "which pods of the namespace it is about; all of them, when not given";
    PolicyTypes "policyTypes" [NetworkPolicy] "policyTypes Ingress, Egress" "what it isolates the pods for";
    Egress "egress" [NetworkPolicy] "egress { … }" "what pods may send";
    From "from" [PolicyRule] "from [namespaceSelector …] [podSelector …] | from ipBlock CIDR [except CIDR, …]; of a node's dumps: from \"FOLDER\"" "who may; where the dumps of a node are";

    // Commands.
    Send "send" [File Test] "send FROM[:PORT] -> TO:PORT tcp|udp|PROTOCOL [flags FLAG, …] [size BYTES] [ttl N] [tos N] [df] [badChecksum] [times N] as NAME, or on an open connection: send NAME \"text\" [by client|server] [as NAME]" "open a TCP connection or send a UDP datagram; a bare name to send to means a service before a pod of that name; or send bytes on an open connection";
    Open "open" [File Test] "open FROM[:PORT] -> TO:PORT as NAME" "open a TCP connection and keep it, to send on it, close it or reset it";
    Close "close" [File Test] "close NAME [by client|server] [as NAME]" "close one side of an open connection: FIN";
    Reset "reset" [File Test] "reset NAME [by client|server] [as NAME]" "reset an open connection: RST";
    Ping "ping" [File Test] "ping FROM -> TO [size BYTES] [ttl N] [tos N] [df] [times N] as NAME" "send an ICMP echo request";
    Get "get" [File Test] "get FROM[:PORT] -> URL [at ADDRESS] [with assets] as NAME" "fetch a page";
    Resolve "resolve" [File Test] "resolve FROM NAME [type A|AAAA|SRV|PTR|TXT|CNAME|NS|SOA] as NAME" "ask for the address of a name, or for its records of a type; with `type PTR` also for the name of an address";
    Write "write" [File Test] "write POD CONTAINER PATH \"text\"" "make or replace a file";
    Explore "explore" [File Test] "explore FROM[:PORT] -> TO:PORT [tcp|udp] as NAME, explore FROM -> URL as NAME, or explore ping|get|resolve …" "walk every way that chance may send something; the world stays as it is";
    Wait "wait" [File Test] "wait 14s" "let time pass";
    Fail "fail" [File Test] "fail node NODE | link NODE NODE | link NODE DEVICE | bgp NODE NODE | speaker NODE | kubeProxy NODE | pod POD" "break something";
    Restore "restore" [File Test] "restore …, as after fail" "mend what was broken";
    Delete "delete" [File Test] "delete pod|deployment|daemonSet|statefulSet|service|ingress|networkPolicy|configMap|namespace|node|host|router|pool|ipAddressPool|l2Advertisement NAME" "delete an object";
    Set "set" [File Test] "set service|pod|deployment|daemonSet|statefulSet|networkPolicy|ingress|configMap|node|router NAME FIELD, as in set service web externalTrafficPolicy Local" "give a field of an object another value";
    Patch "patch" [File Test] "patch service|pod|deployment|daemonSet|statefulSet|networkPolicy|ingress|configMap|node|router NAME { … }" "change several fields; labels, data and lists get what is given added";
    Scale "scale" [File Test] "scale deployment|statefulSet NAME COUNT" "give it another number of pods";
    Choose "choose" [File Test] "choose SERVICE -> ENDPOINT [on PLACE], choose SERVICE by chance [on PLACE], or choose port PORT/TCP on PLACE" "pin a random choice, or leave it to chance again";
    Trace "trace" [File Test] "trace NAME [hops|rules|all], or trace FROM -> URL" "print every hop of a flow; of an exploration, every way";
    Show "show" [File Test] "show routes|conntrack|iptables|log|logs on NODE …, or show kubectl get|describe …, or show calicoctl get …" "print what the tools would print";
    Expect "expect" [File Test] "expect NAME [always|never] [reply] [not] delivered|dropped|rejected|timeout|unsent|unknown|status|answer|visits|arp|dnat|snat|tunnel|out|mark … [with probability P], or expect conntrack NODE …" "compare what happened with what should have";
    Assert "assert" [File Test] "assert ${ … }" "what has to be true";

    // Structure.
    Test "test" [File Test] "test \"name\" [tags NAME, …] [skip \"why\"] [fails \"why\"] { … }" "a world of its own, from what is declared above; also in a `for` or an `if`";
    Cases "cases" [Test] "cases { COLUMN | COLUMN … and below it a row for each case }" "first in a test: the test runs once for each row, in which the columns are variables";
    For "for" [File Test Namespace] "for NAME in ${ … } { … }" "the same for each element of a list; around declarations, too";
    If "if" [File Test Namespace] "if ${ … } { … } [else { … }]" "only where something is true";
    Rhai "rhai" [File] "rhai { const …; fn …(…) { … } }" "constants and functions for islands";

    // Inside of sentences.
    Size "size" [] "size BYTES" "how much a packet carries";
    Ttl "ttl" [] "ttl NUMBER" "through how many machines it may go";
    Tos "tos" [] "tos NUMBER" "its type of service: DSCP and ECN";
    Df "df" [] "df" "it may not be sent in parts";
    BadChecksum "badChecksum" [] "badChecksum" "the checksum of what it carries is wrong";
    Times "times" [] "times NUMBER" "so often, one after the other";
    Tags "tags" [] "tags NAME, …" "the tags of a test, by which tests are picked";
    Skip "skip" [] "skip \"why\"" "the test does not run";
    Fails "fails" [] "fails \"why\"" "the test has to fail; that it passes is told";
    Else "else" [] "else { … }" "where the condition of `if` is not true";
    At "at" [] "at ADDRESS" "the address";
    Mac "mac" [] "mac MAC" "the Ethernet address";
    Device "device" [Node Host Router] "device NAME at ADDRESS/LENGTH [mac MAC] [mtu BYTES]; of a node or host, the one of its own address: device NAME mtu BYTES; behind a node: device NAME" "an Ethernet device";
    Hostname "hostname" [Pod] "hostname NAME" "the name the machine has in the cluster; what a pod is called under its subdomain";
    AutoAssign "autoAssign" [] "autoAssign true|false" "whether services get addresses of the pool without asking for it";
    Gateway "gateway" [] "gateway ADDRESS" "the router of the network";
    To "to" [PolicyRule] "to …; in egress of a networkPolicy: as from in ingress" "the other end";
    NamespaceSelector "namespaceSelector" [] "namespaceSelector all | KEY=VALUE, …" "the namespaces whose pods are meant";
    IpBlock "ipBlock" [] "ipBlock CIDR [except CIDR, …]" "addresses";
    Except "except" [] "except CIDR, …" "but not these of them";
    In "in" [] "in …" "in blocks; in a list";
    Blocks "blocks" [] "in blocks of /N" "the blocks that nodes take";
    Of "of" [] "of /N" "their size";
    InterfaceName "interfaceName" [] "interfaceName NAME" "the host's end of the pod's veth";
    Restarts "restarts" [Pod] "restarts COUNT" "how often the pod was started again";
    As "as" [] "as NAME" "the name";
    Ready "ready" [Pod] "ready true|false" "whether it is ready to serve";
    Terminating "terminating" [Pod] "terminating true|false" "whether it is being deleted";
    IpAddressPool "ipAddressPool" [] "delete ipAddressPool NAME" "addresses that MetalLB gives services";
    L2Advertisement "l2Advertisement" [] "delete l2Advertisement NAME" "who announces them";
    Zone "zone" [Node File] "zone NAME { … }, or of a node: zone NAME" "names outside the cluster; the zone that a node is in";
    NodePort "nodePort" [] "nodePort PORT" "the port of every node";
    Root "root" [] "root PATH" "the path below which there are pages";
    Connect "connect" [] "connect HOST:PORT, …" "the servers a page needs";
    After "after" [] "after 2s" "how long the server takes, in virtual time";
    Redirect "redirect" [] "redirect PATH|URL [status 301]" "the client is sent elsewhere; with 302 when no status is given";
    Body "body" [] "body \"TEXT\"" "the text that is answered";
    Echo "echo" [] "echo" "the answer is the head of the request, as it came";
    Routes "routes" [] "show routes on PLACE" "`route -n`";
    Conntrack "conntrack" [] "show conntrack on NODE [tcp|udp] [dport PORT]" "`conntrack -L`; an entry of it";
    Log "log" [File Test] "log \"text ${ x }\", or show log on NODE, or show metallb log" "print a line; what LOG rules wrote; what MetalLB's speakers did";
    Flags "flags" [] "flags FLAG, …" "one segment of no connection, with these TCP flags";
    Link "link" [] "fail link NODE NODE|DEVICE" "the wire between two nodes; a device's";
    Bgp "bgp" [Cluster] "in a cluster: bgp routes|packets; or fail bgp NODE NODE" "whether the packets of BGP's sessions travel; the session of two nodes";
    Speaker "speaker" [] "fail speaker NODE" "MetalLB's speaker";
    Assets "assets" [] "with assets, or assets URL, …" "the scripts, styles and images of a page";
    With "with" [] "with assets, or with probability P" "as a browser does it; how probable it is";
    Logs "logs" [] "show logs on POD" "the access log of its web servers";
    Hops "hops" [] "trace NAME hops" "only where packets went, and what changed in them";
    Rules "rules" [] "trace NAME rules" "and every rule that matched; so it is without a word";
    All "all" [] "trace NAME all" "and every packet, with the ends of chains";
    Dport "dport" [] "dport PORT" "the destination port";
    Not "not" [] "expect NAME not PATTERN" "the pattern must not hold";
    Delivered "delivered" [] "delivered [to PLACE]" "the other side answered";
    Dropped "dropped" [] "dropped [by TABLE/CHAIN] [at PLACE]" "a packet was dropped";
    Rejected "rejected" [] "rejected [by TABLE/CHAIN]" "a refusal came back";
    Timeout "timeout" [] "timeout [at PLACE]" "nothing came back";
    Unsent "unsent" [] "unsent" "nothing left the sender";
    Unknown "unknown" [] "unknown" "the model does not know what becomes of it";
    Out "out" [] "out DEVICE [at PLACE]" "the device that a packet left by";
    Mark "mark" [] "mark VALUE[/MASK] [at PLACE]" "the netfilter mark of a packet";
    Always "always" [] "always PATTERN" "on every way that was explored";
    Never "never" [] "never PATTERN" "on none of them";
    Probability "probability" [] "with probability [at least|at most] P" "how probable the ways are together, such as 1/3";
    Least "least" [] "at least P" "so probable or more";
    Most "most" [] "at most P" "so probable or less";
    Chance "chance" [] "by chance" "as if nothing were pinned";
    By "by" [] "by TABLE/CHAIN, or by chance" "the chain that did it";
    Arp "arp" [] "arp ADDRESS is-at MAC" "an answer to ARP";
    IsAt "is-at" [] "is-at MAC" "the answer";
    Visits "visits" [] "visits PLACE [TABLE/CHAIN, …]" "the chains a packet met, in order";
    Dnat "dnat" [] "dnat FROM => TO" "the destination was translated";
    Snat "snat" [] "snat FROM => TO" "the source was translated";
    Tunnel "tunnel" [] "tunnel ipip FROM => TO" "the packet travelled in another";
    Ipip "ipip" [] "ipip" "IP in IP, RFC 2003";
    Status "status" [] "status CODE, or of a pod: status Running|Completed|Error" "the status of the page; what has become of a pod";
    Answer "answer" [] "answer ADDRESS|\"RECORD\"|NXDOMAIN|NODATA|SERVFAIL [via SERVICE]" "the address a name has, what a record of it says, or why there is none";
    Via "via" [] "via SERVICE" "the service that was asked";
    Reply "reply" [] "reply PATTERN, or reply FROM -> TO" "of the packets that came back; the reply direction of a connection";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_by_its_text() {
        for &word in Word::ALL {
            assert_eq!(Word::from_text(word.text()), Some(word));
        }
    }

    #[test]
    fn every_block_is_known() {
        for block in Word::ALL.iter().flat_map(|word| word.blocks()) {
            assert!(BlockKind::ALL.contains(block), "{block:?}");
        }
    }

    #[test]
    fn every_block_has_words() {
        use BlockKind as B;
        for block in [
            B::File,
            B::Cluster,
            B::KubeProxy,
            B::Namespace,
            B::Pod,
            B::Workload,
            B::DnsConfig,
            B::Zone,
            B::Container,
            B::Serve,
            B::Service,
            B::ConfigMap,
            B::NetworkPolicy,
            B::PolicyRule,
        ] {
            assert!(block.words().count() > 0, "{block:?}");
        }
        assert!(B::Service.words().any(|word| word == Word::Selector));
        assert!(!B::Service.words().any(|word| word == Word::Replicas));
    }
}
