use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The number as an index into its table.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id! {
    /// A row of [`Objects`](crate::Objects): the object's rank by address.
    ObjectId
}
id! {
    /// A row of the table of kinds.
    KindId
}
id! {
    /// A row of the table of types.
    TypeId
}
id! {
    /// A row of the table of names.
    NameId
}
