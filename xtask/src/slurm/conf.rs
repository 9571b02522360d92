//! The configuration of the cluster.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::ClusterFolder;
use crate::process::captured;

/// The nodes.
pub(super) const NODES: [&str; 2] = ["n1", "n2"];
/// What each of them pretends to have. Its processors may be more than the machine's, its memory is what jobs are held to.
const CPUS: usize = 4;
/// How one's own configuration is told from others.
const FIRST_LINE: &str = "# A cluster for tests; `cargo xtask slurm` wrote this.";
const MEMORY_MB: usize = 4000;

/// What the configuration depends on.
pub(super) struct Conf<'a> {
    place: &'a ClusterFolder,
    host: String,
    user: String,
    /// Of the controller, and of each node.
    ports: Vec<u16>,
}

impl<'a> Conf<'a> {
    pub(super) fn on_this_machine(place: &'a ClusterFolder) -> Result<Self> {
        // Held together, so that no port is given twice.
        let free: Vec<TcpListener> = (0..=NODES.len())
            .map(|_| TcpListener::bind(("127.0.0.1", 0)))
            .collect::<Result<_, _>>()
            .context("no free ports")?;
        let ports = free
            .iter()
            .map(|listener| Ok(listener.local_addr()?.port()))
            .collect::<Result<_>>()?;
        Ok(Self {
            place,
            // Up to the first dot, whether or not it can be resolved.
            host: captured(Command::new("uname").arg("-n"))?
                .trim()
                .split('.')
                .next()
                .unwrap_or_default()
                .to_owned(),
            user: captured(Command::new("id").arg("-un"))?.trim().to_owned(),
            ports,
        })
    }

    /// Makes the folders, the configuration and a key; what an earlier cluster left there goes.
    pub(super) fn write(&self) -> Result<()> {
        let folder = &self.place.folder;
        if let Ok(earlier) = fs::read_to_string(self.place.conf()) {
            if !earlier.starts_with(FIRST_LINE) {
                bail!(
                    "{} holds the configuration of another cluster; name another folder",
                    folder.display()
                );
            }
            fs::remove_dir_all(folder)
                .with_context(|| format!("{} cannot be cleared", folder.display()))?;
        }
        for below in ["state", "spool-n1", "spool-n2"] {
            let path = self.place.path(below);
            fs::create_dir_all(&path)
                .with_context(|| format!("{} cannot be made", path.display()))?;
        }
        fs::write(self.place.conf(), self.text())?;
        self.write_key()
    }

    fn write_key(&self) -> Result<()> {
        use std::io::Read as _;
        use std::os::unix::fs::PermissionsExt as _;
        let mut key = [0; 128];
        fs::File::open("/dev/urandom")?.read_exact(&mut key)?;
        let path = self.place.path("munge.key");
        fs::write(&path, key)?;
        Ok(fs::set_permissions(
            &path,
            fs::Permissions::from_mode(0o400),
        )?)
    }

    fn text(&self) -> String {
        let (folder, host, user) = (self.place.folder.display(), &self.host, &self.user);
        let mut text = format!(
            "{FIRST_LINE}
ClusterName=e2m
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
# No cgroups are needed: processes are found by their parents, and memory is watched every second.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# Nodes are believed to have what is said below.
SlurmdParameters=config_overrides
MpiDefault=none
# A node that says nothing for so long is down, and its jobs go to others.
SlurmdTimeout=20
ReturnToService=2
KillWait=10
MinJobAge=600
SchedulerParameters=sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
# Whoever has asked for a signal before its time is up gets it before preemption, too.
SlurmctldParameters=preempt_send_user_signal
",
            self.ports[0]
        );
        for (node, port) in NODES.iter().zip(&self.ports[1..]) {
            text.push_str(&format!(
                "NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS} RealMemory={MEMORY_MB}\n"
            ));
        }
        let nodes = NODES.join(",");
        text.push_str(&format!(
            "PartitionName=main Nodes={nodes} Default=YES State=UP MaxTime=INFINITE PriorityTier=1 GraceTime=60\n\
             PartitionName=urgent Nodes={nodes} State=UP MaxTime=INFINITE PriorityTier=2\n"
        ));
        text
    }
}
