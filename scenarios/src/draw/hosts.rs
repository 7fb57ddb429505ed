//! What the names of hosts, changefeeds and actors mean in a cluster of so many nodes.

use model::{Actor, Addr, ChangefeedId, LinkClass, NodeId, Place, Role};
use sim::{End, HostId, Links, Who};
use toml::Spanned;

use super::Wrong;
use crate::{
    error::{one_of, unknown},
    file::{Do, Ends, File},
};

/// What the names of hosts mean in a cluster of so many nodes.
#[derive(Clone, Copy)]
pub(super) struct Hosts {
    pub(super) nodes: u32,
    pub(super) changefeeds: u32,
    /// The largest number of a changefeed that is there, or that somebody creates.
    pub(super) known: u32,
}

impl Hosts {
    /// Those of a file.
    pub(super) fn of(file: &File) -> Hosts {
        let (nodes, changefeeds) = (*file.cluster.nodes.get_ref(), *file.cluster.changefeeds.get_ref());
        Hosts { nodes, changefeeds, known: known(file) }
    }

    pub(super) fn links(
        self,
        from: &Spanned<Ends>,
        to: &Spanned<Ends>,
        one_way: bool,
        class: &Option<Spanned<String>>,
    ) -> Result<Links<Actor>, Wrong> {
        let class = class.as_ref().map(|class| {
            let found = LinkClass::ALL.iter().find(|one| one.name() == class.get_ref());
            let known = LinkClass::ALL.iter().map(|one| one.name());
            let wrong = || (class.span(), unknown("class of links", class.get_ref(), known));
            found.map(|one| one.class()).ok_or_else(wrong)
        });
        let (from, to) = (self.end(from)?, self.end(to)?);
        Ok(Links { from, to, both_ways: !one_way, class: class.transpose()? })
    }

    fn end(self, ends: &Spanned<Ends>) -> Result<End<Actor>, Wrong> {
        let wrong = |what| (ends.span(), what);
        match ends.get_ref() {
            Ends::One(all) if all == "all" => Ok(End::Any),
            Ends::One(one) => self.named(one).map(End::One).map_err(wrong),
            Ends::Several(several) => {
                let hosts = several.iter().map(|name| match self.named(name)? {
                    Who::Host(host) => Ok(host),
                    _ => Err(format!(
                        "`{name}` cannot be in a list; a list names nodes: {}",
                        self.nodes().join(", ")
                    )),
                });
                hosts.collect::<Result<_, _>>().map(End::Group).map_err(wrong)
            }
        }
    }

    pub(super) fn who(self, name: &Spanned<String>) -> Result<Who<Actor>, Wrong> {
        self.named(name.get_ref()).map_err(|what| (name.span(), what))
    }

    /// A host by its name, or by the part that it plays when the fault happens.
    fn named(self, name: &str) -> Result<Who<Actor>, String> {
        if let Some(node) = self.node(name)? {
            return Ok(Who::Host(HostId(u16::from(node.slot) - 1)));
        }
        if let Some(cf) = name.strip_prefix("maintainer of ").and_then(number_of_changefeed) {
            return self.numbered_changefeed(cf).map(|cf| Who::Role(Role::Maintainer(cf)));
        }
        match name {
            "sender" => Ok(Who::Sender),
            "receiver" => Ok(Who::Receiver),
            "coordinator" => Ok(Who::Role(Role::Coordinator)),
            "maintainer" => Ok(Who::Role(Role::Maintainer(ChangefeedId(1)))),
            "etcd" | "pd" | "upstream" | "sink" => Err(format!(
                "`{name}` is a service, and faults happen to nodes; to cut or slow its links write to = \"all\", \
                 class = \"{name}\""
            )),
            _ => {
                let mut known = self.nodes();
                known.extend(["sender", "receiver", "coordinator", "maintainer"].map(str::to_owned));
                known.extend((1..=self.changefeeds).map(|cf| format!("maintainer of cf{cf}")));
                let known = one_of(known.iter().map(String::as_str));
                Err(format!("`{name}` is no host; there is {known}"))
            }
        }
    }

    /// A changefeed by its name.
    pub(super) fn changefeed(self, name: &Spanned<String>) -> Result<ChangefeedId, Wrong> {
        let found = match number_of_changefeed(name.get_ref()) {
            Some(cf) => self.numbered_changefeed(cf),
            None => Err(format!(
                "`{}` is no changefeed; {}",
                name.get_ref(),
                numbered("changefeed", "cf", self.changefeeds)
            )),
        };
        found.map_err(|what| (name.span(), what))
    }

    /// A changefeed that there is, or that somebody creates.
    pub(super) fn any_changefeed(self, name: &Spanned<String>) -> Result<ChangefeedId, Wrong> {
        match number_of_changefeed(name.get_ref()) {
            Some(cf) if (1..=self.known).contains(&cf.into()) => Ok(ChangefeedId(cf)),
            _ => self.changefeed(name),
        }
    }

    /// One that may be created.
    pub(super) fn new_changefeed(name: &Spanned<String>) -> Result<ChangefeedId, Wrong> {
        let number = number_of_changefeed(name.get_ref()).filter(|cf| (1..=9).contains(cf));
        let wrong = || (name.span(), format!("`{}` cannot be created; cf1 to cf9 can", name.get_ref()));
        number.map(ChangefeedId).ok_or_else(wrong)
    }

    fn numbered_changefeed(self, cf: u8) -> Result<ChangefeedId, String> {
        if (1..=self.changefeeds).contains(&cf.into()) {
            return Ok(ChangefeedId(cf));
        }
        Err(format!("there is no `cf{cf}`; {}", numbered("changefeed", "cf", self.changefeeds)))
    }

    /// The names of the nodes.
    pub(super) fn nodes(self) -> Vec<String> {
        (1..=self.nodes).map(|slot| format!("n{slot}")).collect()
    }

    /// A node by its name, if that is what the name is.
    pub(super) fn node(self, name: &str) -> Result<Option<NodeId>, String> {
        let Some(slot) = name.strip_prefix('n').and_then(|slot| slot.parse::<u8>().ok()) else {
            return Ok(None);
        };
        if (1..=self.nodes).contains(&slot.into()) {
            return Ok(Some(NodeId { slot, life: 0 }));
        }
        Err(format!("there is no `{name}`; {}", numbered("node", "n", self.nodes)))
    }

    /// A node by its name, which is nothing else.
    pub(super) fn named_node(self, name: &Spanned<String>) -> Result<NodeId, Wrong> {
        let names = self.nodes();
        let wrong = || unknown("node", name.get_ref(), names.iter().map(String::as_str));
        let node = self.node(name.get_ref()).and_then(|node| node.ok_or_else(wrong));
        node.map_err(|what| (name.span(), what))
    }

    /// An actor by its name, such as `n2/dispatchers`.
    pub(super) fn address(self, name: &Spanned<String>) -> Result<Addr, Wrong> {
        let services = [Addr::Etcd, Addr::Pd, Addr::Upstream, Addr::Sink];
        let parts =
            [Place::Server, Place::Coordinator, Place::Maintainers, Place::Dispatchers, Place::Messages];
        let slots = (1..=9).filter(|slot| u32::from(*slot) <= self.nodes);
        let nodes = slots.flat_map(|slot| parts.map(|part| Addr::Node(NodeId { slot, life: 0 }, part)));
        let mut known = services.into_iter().chain(nodes);
        let found = known.find(|addr| addr.to_string() == *name.get_ref());
        found.ok_or_else(|| {
            let what = format!(
                "`{}` is no address; write a node and its part, such as n1/dispatchers, or a service. \
                 The parts are server, coordinator, maintainers and dispatchers, the services etcd, pd, upstream and \
                 sink; {}",
                name.get_ref(),
                numbered("node", "n", self.nodes)
            );
            (name.span(), what)
        })
    }
}

/// Of `cf2` it is 2.
fn number_of_changefeed(name: &str) -> Option<u8> {
    name.strip_prefix("cf").and_then(|cf| cf.parse().ok())
}

/// What the numbered things of a kind are called.
fn numbered(what: &str, prefix: &str, count: u32) -> String {
    match count {
        1 => format!("the only {what} is {prefix}1"),
        _ => format!("the {what}s of this cluster are {prefix}1 to {prefix}{count}"),
    }
}

/// The largest number of a changefeed that is there, or that somebody creates.
fn known(file: &File) -> u32 {
    let created = file.faults.iter().filter_map(|fault| match &fault.what {
        Do::CreateChangefeed(call) => number_of_changefeed(call.cf.get_ref()).map(u32::from),
        _ => None,
    });
    created.max().unwrap_or(0).max(*file.cluster.changefeeds.get_ref())
}
