//! The kinds of task that are simulated, small enough to copy around.

use crate::base::TaskType;

/// A [`TaskType`] that this simulation makes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    Controller,
    SetupVkey,
    CoreExecute,
    ProveShard,
    RecursionDeferred,
    RecursionReduce,
    ShrinkWrap,
    PlonkWrap,
    Groth16Wrap,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::Controller,
        Self::SetupVkey,
        Self::CoreExecute,
        Self::ProveShard,
        Self::RecursionDeferred,
        Self::RecursionReduce,
        Self::ShrinkWrap,
        Self::PlonkWrap,
        Self::Groth16Wrap,
    ];

    pub fn task_type(self) -> TaskType {
        match self {
            Self::Controller => TaskType::Controller,
            Self::SetupVkey => TaskType::SetupVkey,
            Self::CoreExecute => TaskType::CoreExecute,
            Self::ProveShard => TaskType::ProveShard,
            Self::RecursionDeferred => TaskType::RecursionDeferred,
            Self::RecursionReduce => TaskType::RecursionReduce,
            Self::ShrinkWrap => TaskType::ShrinkWrap,
            Self::PlonkWrap => TaskType::PlonkWrap,
            Self::Groth16Wrap => TaskType::Groth16Wrap,
        }
    }

    pub fn of(t: &TaskType) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.task_type() == *t)
    }

    /// The spelling of messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Controller => "Controller",
            Self::SetupVkey => "SetupVkey",
            Self::CoreExecute => "CoreExecute",
            Self::ProveShard => "ProveShard",
            Self::RecursionDeferred => "RecursionDeferred",
            Self::RecursionReduce => "RecursionReduce",
            Self::ShrinkWrap => "ShrinkWrap",
            Self::PlonkWrap => "PlonkWrap",
            Self::Groth16Wrap => "Groth16Wrap",
        }
    }

    /// The spelling of span fields and metric labels.
    pub const fn screaming(self) -> &'static str {
        match self {
            Self::Controller => "CONTROLLER",
            Self::SetupVkey => "SETUP_VKEY",
            Self::CoreExecute => "CORE_EXECUTE",
            Self::ProveShard => "PROVE_SHARD",
            Self::RecursionDeferred => "RECURSION_DEFERRED",
            Self::RecursionReduce => "RECURSION_REDUCE",
            Self::ShrinkWrap => "SHRINK_WRAP",
            Self::PlonkWrap => "PLONK_WRAP",
            Self::Groth16Wrap => "GROTH16_WRAP",
        }
    }

    pub const fn on_cpu(self) -> bool {
        matches!(self, Self::Controller | Self::CoreExecute | Self::PlonkWrap | Self::Groth16Wrap)
    }

    /// What the coordinator adds to `next_free_time` when it assigns one, in
    /// milliseconds (reference 3.2).
    pub const fn estimate_ms(self) -> i64 {
        match self {
            Self::Controller | Self::CoreExecute => 200,
            Self::ProveShard | Self::Groth16Wrap => 2000,
            Self::RecursionDeferred | Self::RecursionReduce => 400,
            Self::SetupVkey | Self::ShrinkWrap => 4000,
            Self::PlonkWrap => 8000,
        }
    }

    /// Its place in a proof's GPU queue: vkeys first, then shards.
    pub const fn gpu_class(self) -> u8 {
        match self {
            Self::SetupVkey => 0,
            Self::ProveShard => 1,
            _ => 2,
        }
    }

    /// True where running out of retries fails the whole proof.
    pub const fn fails_proof(self) -> bool {
        self.on_cpu()
    }
}
