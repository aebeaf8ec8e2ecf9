//! The lab's machines as network namespaces of the kernel.
//!
//! Each is a process, this program itself, in a namespace without a name. The processes end when their standard input
//! does, however this one ends, and the namespaces, veth pairs and rules with them.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::Failure;
use super::lab::{CLIENT_ADDRESS, CLIENT_PORT, NODE_ADDRESS, PODS, PORT};

/// The client, the node and the pod.
pub(crate) struct Machines {
    client: Machine,
    node: Machine,
    pod: Machine,
}

impl Machines {
    pub(crate) fn new() -> Result<Self, Failure> {
        let [client, node, pod] = [Machine::new("client")?, Machine::new("node")?, Machine::new("pod")?];
        let [first, second] = PODS;
        node.run(&["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0"], "")?;
        node.ip(&format!(
            "link set lo up
             link add eth0 type veth peer name eth0 netns {}
             link add cali1 type veth peer name eth0 netns {}
             link set eth0 up
             link set cali1 up
             addr add {NODE_ADDRESS}/24 dev eth0
             route add {first} dev cali1
             route add {second} dev cali1",
            client.process.id(),
            pod.process.id()
        ))?;
        node.run(&["sysctl", "-qw", "net.ipv4.conf.cali1.proxy_arp=1", "net.ipv4.conf.cali1.rp_filter=0"], "")?;
        client.ip(&format!(
            "link set eth0 up
             addr add {CLIENT_ADDRESS}/24 dev eth0
             route add default via {NODE_ADDRESS}"
        ))?;
        pod.ip(&format!(
            "link set eth0 up
             addr add {first}/32 dev eth0
             addr add {second}/32 dev eth0
             route add 169.254.1.1 dev eth0
             route add default via 169.254.1.1"
        ))?;
        Ok(Self { client, node, pod })
    }

    /// Loads the text of an `iptables-save` on the node. How long that took.
    pub(crate) fn restore(&self, saved: &str) -> Result<Duration, Failure> {
        let started = Instant::now();
        self.node.run(&["iptables-legacy-restore"], saved)?;
        Ok(started.elapsed())
    }

    /// Opens the connection of [`CLIENT_PORT`]: queries and answers.
    pub(crate) fn open(&mut self, service: Ipv4Addr) -> Result<(), Failure> {
        self.pod.ask("listen")?;
        for _ in 0..8 {
            self.client.ask(&format!("send {service} 0 1"))?;
            self.all("answer", 1)?;
        }
        Ok(())
    }

    /// Sends that many datagrams, each from its own port if a first one is given, and sees that they arrive.
    pub(crate) fn burst(&mut self, service: Ipv4Addr, port: Option<u16>, count: u16) -> Result<Duration, Failure> {
        let took = self.client.ask(&format!("send {service} {} {count}", port.unwrap_or(0)))?;
        self.all("count", count.into())?;
        Ok(Duration::from_nanos(took))
    }

    /// Tells the pod to take datagrams until it has so many.
    fn all(&mut self, how: &str, wanted: u64) -> Result<(), Failure> {
        let started = Instant::now();
        let mut arrived = 0;
        while arrived < wanted {
            arrived += self.pod.ask(how)?;
            if started.elapsed() > Duration::from_secs(5) {
                return Err(format!("{arrived} of {wanted} datagrams arrived").into());
            }
        }
        Ok(())
    }
}

/// A process in a network namespace of its own.
struct Machine {
    process: Child,
    /// Taken when the process is to end.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Machine {
    fn new(which: &str) -> Result<Self, Failure> {
        let this = std::env::current_exe()?;
        let mut command = Command::new("unshare");
        command.arg("--net").arg(this).args(["helper", which]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let output = BufReader::new(output.ok_or("no output")?);
        let mut machine = Self { process, input, output };
        // It answers once it is inside.
        machine.ask("hello")?;
        Ok(machine)
    }

    /// Gives the process an order. The number it answers with.
    fn ask(&mut self, order: &str) -> Result<u64, Failure> {
        writeln!(self.input.as_ref().ok_or("it has ended")?, "{order}")?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        answer.trim().parse().map_err(|_| format!("`{order}` was not done").into())
    }

    /// Runs a command in the namespace.
    fn run(&self, command: &[&str], input: &str) -> Result<(), Failure> {
        let id = self.process.id().to_string();
        let mut child = Command::new("nsenter")
            .args(["--net", "--target", &id])
            .args(command)
            // Not the machine's own lock: another namespace's rules are no concern of these.
            .env("XTABLES_LOCKFILE", std::env::temp_dir().join(format!("netscene-xtables-{id}.lock")))
            .stdin(Stdio::piped())
            .spawn()?;
        child.stdin.take().ok_or("no input")?.write_all(input.as_bytes())?;
        let status = child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("`{}` failed: {status}", command.join(" ")).into()) }
    }

    fn ip(&self, batch: &str) -> Result<(), Failure> {
        self.run(&["ip", "-batch", "-"], batch)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.input.take());
        // There is nobody to tell if it has ended already.
        let _ = self.process.wait();
        let lock = format!("netscene-xtables-{}.lock", self.process.id());
        let _ = std::fs::remove_file(std::env::temp_dir().join(lock));
    }
}

/// What a machine's process does: orders on standard input, a number for each on standard output.
pub(crate) fn help(which: &str) -> Result<(), Failure> {
    let mut open: Option<UdpSocket> = None;
    let mut listening = Vec::new();
    for order in std::io::stdin().lines() {
        let order = order?;
        let answer = match *order.split(' ').collect::<Vec<_>>().as_slice() {
            ["hello"] => 0,
            ["listen"] => {
                for address in PODS {
                    let socket = UdpSocket::bind((address, PORT))?;
                    socket.set_nonblocking(true)?;
                    listening.push(socket);
                }
                0
            }
            ["count"] => take(&listening, false)?,
            ["answer"] => take(&listening, true)?,
            ["send", service, port, count] => {
                let to = SocketAddrV4::new(service.parse()?, PORT);
                let (port, count): (u16, u16) = (port.parse()?, count.parse()?);
                if port == 0 {
                    let socket = match &open {
                        Some(socket) => socket,
                        None => open.insert(UdpSocket::bind((CLIENT_ADDRESS, CLIENT_PORT))?),
                    };
                    send(&vec![socket; count.into()], to)?
                } else {
                    let bind = |number| UdpSocket::bind((CLIENT_ADDRESS, port + number));
                    let sockets = (0..count).map(bind).collect::<Result<Vec<_>, _>>()?;
                    send(&sockets.iter().collect::<Vec<_>>(), to)?
                }
            }
            _ => return Err(format!("{which} does not know `{order}`").into()),
        };
        println!("{answer}");
    }
    Ok(())
}

/// Sends a datagram from each socket. How long that took, in nanoseconds.
fn send(sockets: &[&UdpSocket], to: SocketAddrV4) -> Result<u64, Failure> {
    let started = Instant::now();
    for socket in sockets {
        socket.send_to(&[0; 32], to)?;
    }
    Ok(u64::try_from(started.elapsed().as_nanos())?)
}

/// Takes what has come to the sockets, and answers it or not. How many datagrams that was.
fn take(sockets: &[UdpSocket], answer: bool) -> Result<u64, Failure> {
    let mut taken = 0;
    for socket in sockets {
        loop {
            match socket.recv_from(&mut [0; 64]) {
                Ok((_, from)) => {
                    taken += 1;
                    if answer {
                        socket.send_to(&[0; 32], from)?;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(taken)
}
