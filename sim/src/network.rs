//! Links between hosts: delays, losses, cuts, clogs and FIFO streams, for each direction of each pair.

use std::collections::VecDeque;

use crate::{
    Class, Cut, Duration, HostId, Instant, Kind, Latency, Machine, Message,
    random::{self, Random},
};

/// How a class of links behaves.
#[derive(Clone, Copy, Debug)]
pub struct LinkWeather {
    /// How long a message takes.
    pub latency: Latency,
    /// How many of a million messages are lost.
    pub loss_per_million: u32,
    /// How many of a million arrive twice. The copy of a streamed message comes right behind it; another one
    /// takes a delay of its own, so it may come late.
    pub copies_per_million: u32,
    /// How many messages may be under way in one stream and direction; more are dropped.
    pub capacity: u32,
    /// When connections break: in how many of a million streams a thread of the receiving host has taken the first
    /// message that is under way already. It comes this much later, and what a new connection brings may overtake it.
    pub straggler: Option<(u32, (Duration, Duration))>,
}

impl Default for LinkWeather {
    fn default() -> LinkWeather {
        LinkWeather {
            latency: Latency::default(),
            loss_per_million: 0,
            copies_per_million: 0,
            capacity: u32::MAX,
            straggler: None,
        }
    }
}

/// One direction between two hosts.
#[derive(Clone, Debug)]
struct Link {
    /// Neither cut, lossy nor copying: the way of almost every message.
    plain: bool,
    class: u8,
    /// How many cuts of each mode last.
    cuts: [u16; 3],
    /// The delays at present.
    latency: Latency,
    /// Instead of the class's, while it is slow.
    slow: Option<Latency>,
    /// Slots of the messages that came due while the link was clogged.
    held: VecDeque<u32>,
}

/// The messages of one stream in one direction.
#[derive(Clone, Copy, Debug, Default)]
struct Fifo {
    /// No later message is delivered before this.
    last: Instant,
    under_way: u32,
    capacity: u32,
}

/// What is decided about the messages of one kind on one link.
#[derive(Clone, Debug)]
struct Lane {
    latency: random::Stream,
    loss: random::Stream,
    copy: random::Stream,
    copy_latency: random::Stream,
    /// How many messages were sent.
    sent: u32,
}

/// The way of a message: its link and stream, and which of its kind it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way {
    link: u16,
    fifo: u32,
    lane: u32,
    n: u32,
}

/// All links of a run.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    hosts: usize,
    streams: usize,
    kinds: usize,
    weather: Vec<LinkWeather>,
    links: Vec<Link>,
    fifo: Vec<Fifo>,
    /// By link and message kind, one more than the index into `lanes`; zero: not opened yet.
    lane_index: Vec<u32>,
    lanes: Vec<Lane>,
    calm: bool,
    /// Whether anything is decided otherwise than by its stream.
    special: bool,
}

/// What becomes of a message that comes due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Arrives,
    Held,
    Cut,
    Refused,
    Lost,
}

impl Link {
    fn has(&self, mode: Cut) -> bool {
        self.cuts[mode as usize] > 0
    }

    fn is_open(&self) -> bool {
        self.cuts == [0; 3]
    }
}

impl Network {
    pub(crate) fn new<M: Machine>(classes: &[Class], weather: Vec<LinkWeather>, special: bool) -> Network {
        let hosts = classes.len();
        assert!(hosts < 256, "a run has at most 255 hosts");
        let pairs = classes.iter().flat_map(|from| classes.iter().map(move |to| from.0.max(to.0)));
        let link = |class: u8| Link {
            plain: true,
            class,
            cuts: [0; 3],
            latency: Latency::default(),
            slow: None,
            held: VecDeque::new(),
        };
        let links: Vec<Link> = pairs.map(link).collect();
        assert!(
            links.iter().all(|link| usize::from(link.class) < weather.len()),
            "every class has its weather"
        );
        // One more stream for the messages without one: they are counted, but not kept in order.
        let streams = M::Msg::STREAMS + 1;
        let capacity = |link: &Link| weather[usize::from(link.class)].capacity;
        let fifo = |capacity| Fifo { last: Instant::START, under_way: 0, capacity };
        let fifo = links.iter().flat_map(|link| vec![fifo(capacity(link)); streams]).collect();
        let mut network = Network {
            hosts,
            streams,
            kinds: M::Msg::KINDS,
            fifo,
            lane_index: vec![0; links.len() * M::Msg::KINDS],
            lanes: Vec::new(),
            links,
            weather,
            calm: false,
            special,
        };
        (0..network.links.len()).for_each(|link| network.refresh(link));
        network
    }

    #[inline]
    pub(crate) fn link(&self, from: HostId, to: HostId) -> usize {
        usize::from(from.0) * self.hosts + usize::from(to.0)
    }

    /// Sends a message: its way, and when it comes due. Nothing if there is no room.
    #[inline]
    pub(crate) fn send<M: Machine>(
        &mut self,
        random: &mut Random,
        names: &[String],
        now: Instant,
        number: usize,
        msg: &M::Msg,
    ) -> Option<(Way, Instant)> {
        let (kind, stream) = (msg.kind(), msg.stream());
        let index = number * self.kinds + kind;
        if self.lane_index[index] == 0 {
            self.open(random, names, number, index, M::Msg::name(kind));
        }
        let lane_number = self.lane_index[index] - 1;
        let lane = &mut self.lanes[lane_number as usize];
        let n = lane.sent;
        lane.sent += 1;
        let fifo_number = number * self.streams + stream.map_or(0, |stream| stream + 1);
        let fifo = &mut self.fifo[fifo_number];
        if fifo.under_way >= fifo.capacity {
            return None;
        }
        fifo.under_way += 1;
        let mut due = now + random.delay(&mut lane.latency, n.into(), &self.links[number].latency);
        if stream.is_some() {
            due = due.max(fifo.last);
            fifo.last = due;
        }
        Some((Way { link: number as u16, fifo: fifo_number as u32, lane: lane_number, n }, due))
    }

    #[cold]
    fn open(&mut self, random: &mut Random, names: &[String], link: usize, index: usize, kind: &str) {
        let (from, to) = (&names[link / self.hosts], &names[link % self.hosts]);
        let mut stream = |what: &str| random.stream(&format!("{what} {from}>{to} {kind}"));
        self.lanes.push(Lane {
            latency: stream("latency"),
            loss: stream("loss"),
            copy: stream("copy"),
            copy_latency: stream("copy-latency"),
            sent: 0,
        });
        self.lane_index[index] = u32::try_from(self.lanes.len()).expect("link and message kinds are few");
    }

    /// Whether this message simply arrives.
    #[inline]
    pub(crate) fn is_plain(&self, way: Way) -> bool {
        self.links[usize::from(way.link)].plain
    }

    /// Finds out again how a link behaves. With decisions out of the ordinary none is plain.
    fn refresh(&mut self, link: usize) {
        let link = &mut self.links[link];
        let weather = &self.weather[usize::from(link.class)];
        let calm = self.calm || weather.loss_per_million == 0 && weather.copies_per_million == 0;
        link.plain = link.is_open() && calm && !self.special;
        link.latency = link.slow.unwrap_or(weather.latency);
        if self.calm {
            link.latency = link.latency.calm();
        }
    }

    /// What becomes of a message that comes due.
    #[inline]
    pub(crate) fn due(&mut self, random: &mut Random, way: Way) -> Due {
        let link = &self.links[usize::from(way.link)];
        if !link.is_open() {
            return match () {
                () if link.has(Cut::Drop) => Due::Cut,
                () if link.has(Cut::Reset) => Due::Refused,
                () => Due::Held,
            };
        }
        let loss = self.weather[usize::from(link.class)].loss_per_million;
        let lane = &mut self.lanes[way.lane as usize];
        let lost = !self.calm && random.whether(&mut lane.loss, way.n.into(), loss);
        if lost { Due::Lost } else { Due::Arrives }
    }

    pub(crate) fn hold(&mut self, way: Way, slot: u32) {
        self.links[usize::from(way.link)].held.push_back(slot);
    }

    /// Whether a copy of a message that arrives is delivered too, and how much later.
    #[inline]
    pub(crate) fn copies(&mut self, random: &mut Random, way: Way, streamed: bool) -> Option<Duration> {
        let link = &self.links[usize::from(way.link)];
        let copies = self.weather[usize::from(link.class)].copies_per_million;
        let lane = &mut self.lanes[way.lane as usize];
        if self.calm || !random.whether(&mut lane.copy, way.n.into(), copies) {
            return None;
        }
        self.fifo[way.fifo as usize].under_way += 1;
        if streamed {
            return Some(Duration::ZERO);
        }
        Some(random.delay(&mut lane.copy_latency, way.n.into(), &link.latency))
    }

    /// A message has left its link, one way or another.
    #[inline]
    pub(crate) fn leave(&mut self, way: Way) {
        self.fifo[way.fifo as usize].under_way -= 1;
    }

    pub(crate) fn cut(&mut self, link: usize, mode: Cut) {
        self.links[link].cuts[mode as usize] += 1;
        self.refresh(link);
    }

    /// Ends one cut; if the link is open now, what it held comes out.
    pub(crate) fn uncut(&mut self, link: usize, mode: Cut) -> VecDeque<u32> {
        let count = &mut self.links[link].cuts[mode as usize];
        *count = count.saturating_sub(1);
        self.release(link)
    }

    /// Ends every cut of a link; what it held comes out.
    pub(crate) fn heal(&mut self, link: usize) -> VecDeque<u32> {
        self.links[link].cuts = [0; 3];
        self.release(link)
    }

    /// What a link holds, if it is open now. A link that still drops does not release what it held.
    fn release(&mut self, link: usize) -> VecDeque<u32> {
        self.refresh(link);
        let link = &mut self.links[link];
        if link.is_open() { std::mem::take(&mut link.held) } else { VecDeque::new() }
    }

    /// The connections of a link have broken: what it held, and nothing later waits for what was under way.
    pub(crate) fn sever(&mut self, link: usize, now: Instant) -> VecDeque<u32> {
        for fifo in &mut self.fifo[link * self.streams..][..self.streams] {
            fifo.last = fifo.last.min(now);
        }
        std::mem::take(&mut self.links[link].held)
    }

    /// Whether a message whose connection has broken was taken already, and how much later it then comes: only the
    /// first one of its stream can be, and `taken` tells of which streams one has been looked at.
    pub(crate) fn straggles<M: Machine>(
        &self,
        random: &mut Random,
        names: &[String],
        (way, msg): (Way, &M::Msg),
        taken: &mut Vec<u32>,
    ) -> Option<Duration> {
        let link = usize::from(way.link);
        let (share, range) = self.weather[usize::from(self.links[link].class)].straggler?;
        msg.stream()?;
        if self.calm || taken.contains(&way.fifo) {
            return None;
        }
        taken.push(way.fifo);
        let (from, to) = (&names[link / self.hosts], &names[link % self.hosts]);
        let kind = M::Msg::name(msg.kind());
        let mut whether = random.stream(&format!("straggler {from}>{to} {kind}"));
        if !random.whether(&mut whether, way.n.into(), share) {
            return None;
        }
        let mut late = random.stream(&format!("straggler-latency {from}>{to} {kind}"));
        Some(random.delay(&mut late, way.n.into(), &Latency::uniform(range.0, range.1)))
    }

    /// The hosts at the ends of a link.
    pub(crate) fn ends(&self, link: usize) -> (HostId, HostId) {
        let host = |index: usize| HostId(u16::try_from(index).expect("hosts are few"));
        (host(link / self.hosts), host(link % self.hosts))
    }

    /// Whether this is the way of a message on this link.
    pub(crate) fn is_on(link: usize, way: Way) -> bool {
        usize::from(way.link) == link
    }

    pub(crate) fn slow(&mut self, link: usize, latency: Option<Latency>) {
        self.links[link].slow = latency;
        self.refresh(link);
    }

    /// From now on links do not lose, copy or delay more than ordinarily.
    pub(crate) fn calm(&mut self) {
        self.calm = true;
        (0..self.links.len()).for_each(|link| self.refresh(link));
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm
    }

    /// Whether a link is cut, clogged or slow.
    pub(crate) fn is_broken(&self, link: usize) -> bool {
        !self.links[link].is_open() || self.links[link].slow.is_some()
    }

    /// Every directed link of a class, or of all.
    pub(crate) fn all(&self, class: Option<Class>) -> impl Iterator<Item = (usize, HostId, HostId)> {
        (0..self.links.len())
            .filter(move |link| class.is_none_or(|class| self.links[*link].class == class.0))
            .map(move |link| (link, self.ends(link).0, self.ends(link).1))
            .filter(|(_, from, to)| from != to)
    }
}
