public import CodexCore
internal import CodexIndex

/// What ``Store/verify()`` found.
public struct VerificationReport: Sendable, Hashable {
    /// One difference between the items and what the indexes say.
    public struct Difference: Sendable, Hashable, CustomStringConvertible {
        /// What is wrong.
        public enum Kind: String, Sendable {
            /// An item cannot be read.
            case unreadableItem
            /// An index entry cannot be read.
            case unreadableEntry
            /// An item has no entry in an index that it belongs into.
            case missingEntry
            /// An entry belongs to no item, or not to its present state.
            case danglingEntry
            /// An entry's attributes are not those of its item.
            case wrongProjection
            /// Two items have the same key in a unique index.
            case duplicateKey
            /// An item that was there before an index or counter has a value in a key attribute
            /// that it cannot hold, and so no entry.
            case unindexableItem
            /// An item's header says another second of expiry than its attribute.
            case wrongExpiry
            /// An encrypted field was changed, or moved here from another item or field; with the
            /// keys.
            case tamperedValue
            /// A field that is to be encrypted holds a plain value: it was stored before that was
            /// asked for, and `reseal()` encrypts it, or it was written past the store.
            case plainValue
            /// An encrypted field that the keys do not open, with keys: they lack one, or the value
            /// was changed.
            case unopenedValue
            /// An item is of an entity that the store does not know.
            case unknownEntity
            /// A counter's group is not what the items add up to.
            case wrongTotal
            /// The rest of a long key, or a chunk of a large value, is missing.
            case lostOverflow
            /// The rest of a key, or a chunk, belongs to nothing.
            case strayOverflow
            /// A tree's pages are damaged; what is on them was not looked at.
            case unreadableTree
            /// What the store keeps besides items cannot be read: an idempotency token, a consumer,
            /// a dead letter, or the key of tokens.
            ///
            /// The difference names its database in the place of a table: `tokens`, `consumers` or
            /// `meta` (`Docs/Format.md`). A token that cannot be read counts as none.
            case unreadableSystemEntry
        }

        /// What is wrong.
        public let kind: Kind
        /// The table's name.
        public let table: String
        /// The name of the index or counter; `nil` is the table itself.
        public let index: String?
        /// The primary key of the item concerned, where it could be read.
        ///
        /// It is user data.
        public let key: PrimaryKey?

        /// The difference without its key.
        public var description: String {
            "\(kind.rawValue) in \(table)" + (index.map { ", index \($0)" } ?? "")
        }
    }

    /// The values of a table's items that are not decided: a format before 4 wrote them, and they
    /// begin as encrypted ones (`Docs/Format.md`).
    public struct Undecided: Sendable, Hashable {
        /// The table's name.
        public let table: String
        /// How many values there are.
        public let count: Int
        /// How many of them are damaged: they name a key that the store has, and do not open in
        /// their place.
        ///
        /// It is 0 without keys. The items are among the differences.
        public let damagedCount: Int
    }

    /// The differences; a sound store has none.
    public let differences: [Difference]
    /// The tables with undecided values, by name; none once the upgrade of an earlier format has
    /// decided all.
    public let undecided: [Undecided]
    /// The number of items that were read.
    public let itemCount: Int
    /// The number of index entries that were read.
    public let entryCount: Int
    /// The number of counters' groups that were read.
    public let groupCount: Int

    /// Whether no difference was found.
    public var isSound: Bool { differences.isEmpty }
}

extension Store {
    /// Recomputes every index and counter from the items and lists each difference.
    ///
    /// It reads entries back into attribute values and compares those with the items, sharing the
    /// key and item encodings, but no code with what maintains indexes and counters. It runs on one
    /// snapshot; writes go on meanwhile. Indexes and counters that are being built are left out.
    /// Items that are expired and not removed yet are looked at as all others, but they are no
    /// duplicates in a unique index.
    ///
    /// - Throws: ``CodexError/Code/closed``. Damage is reported, not thrown.
    /// - Complexity: O(*n* log *n*) for *n* items and entries; memory for one item, for the groups
    ///   of a table's counters, and for the numbers of long keys and large values.
    public func verify() throws -> VerificationReport {
        try core.withReadContext { context in
            var verifier = Verifier(context: context)
            for table in context.catalog.allTables {
                verifier.verifyItems(table)
                for index in table.indexes { verifier.verifyEntries(table, index) }
                for counter in table.counters where counter.state == nil {
                    verifier.verifyTotals(table, counter)
                }
            }
            verifier.verifyOverflow()
            verifier.verifySystemEntries()
            return VerificationReport(
                differences: verifier.differences, undecided: verifier.undecided,
                itemCount: verifier.itemCount, entryCount: verifier.entryCount,
                groupCount: verifier.groupCount)
        }
    }
}
