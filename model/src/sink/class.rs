//! Classes of downstreams, and how the sink client of a changefeed is configured for them.

/// What kind of a system the downstream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A MySQL server.
    #[default]
    Mysql,
    /// A TiDB cluster, which speaks as MySQL does.
    Tidb,
    /// A log with partitions.
    Kafka,
}

/// The downstream, as the configuration of a changefeed describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downstream {
    /// Its class.
    pub class: Class,
    /// How many workers write at once (`worker-count`); of a log, how many partitions it has (`partition-num`).
    pub workers: u32,
    /// Whether it is told of every table when a changefeed begins (`send-all-bootstrap-at-start`). Databases never are.
    pub bootstrap: bool,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 3] = [Class::Mysql, Class::Tidb, Class::Kafka];

    /// What it is called in files.
    pub fn name(self) -> &'static str {
        match self {
            Class::Mysql => "mysql",
            Class::Tidb => "tidb",
            Class::Kafka => "kafka",
        }
    }

    /// How many workers there are unless the configuration says otherwise.
    pub fn workers(self) -> u32 {
        match self {
            Class::Mysql => 16,
            Class::Tidb => 64,
            Class::Kafka => 3,
        }
    }

    /// Whether it is a database, in which rows are changed and DDLs are recorded.
    pub fn is_database(self) -> bool {
        match self {
            Class::Mysql | Class::Tidb => true,
            Class::Kafka => false,
        }
    }
}

impl Downstream {
    /// A downstream of this class, with the default configuration.
    pub fn of(class: Class) -> Downstream {
        Downstream { class, workers: class.workers(), bootstrap: false }
    }

    /// Whether a table trigger tells of every table before it becomes active.
    pub(crate) fn sends_bootstrap(&self) -> bool {
        self.bootstrap && !self.class.is_database()
    }

    /// Whether it is told how far the changefeed is.
    pub(crate) fn needs_checkpoints(&self) -> bool {
        !self.class.is_database()
    }
}

impl Default for Downstream {
    fn default() -> Downstream {
        Downstream::of(Class::default())
    }
}
