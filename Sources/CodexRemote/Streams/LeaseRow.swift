#if Remote
    internal import CodexCore

    /// What the table of leases has of one shard: who reads it, and how far.
    struct LeaseRow: Sendable, Hashable {
        /// The names of the attributes.
        enum Name {
            static let owner = "owner"
            static let fence = "fence"
            static let beat = "beat"
            static let position = "position"
            static let doneThrough = "doneThrough"
            static let isDone = "isDone"
            static let isInitial = "isInitial"
            static let wanted = "wantedBy"
        }

        /// The worker that has the lease; `nil` if it is free.
        var owner: String?
        /// A number that grows with each worker that takes the lease.
        var fence = 0
        /// A number that each sign of life of the worker changes.
        var beat = 0
        /// The last change that is done; `nil` at the beginning.
        var position: StreamSequenceNumber?
        /// A time before which all changes of the shard are done, in milliseconds since 1970 by
        /// the service's clock; `nil` if none is known since the position moved.
        var doneThrough: Int?
        /// Whether all changes of the shard are done.
        var isDone = false
        /// Whether the shard was there when the consumer was registered.
        var isInitial = false
        /// The worker that asks for the lease; `nil` if none does.
        var wanted: String?

        init(isInitial: Bool = false) { self.isInitial = isInitial }

        /// Reads an item.
        ///
        /// - Throws: ``CodexError/Code/corrupted`` if another program changed it.
        init(_ item: Item) throws(CodexError) {
            func integer(_ name: String) throws(CodexError) -> Int {
                guard let value = item[name]?.number?.int64, let number = Int(exactly: value),
                    (0..<Int.max / 2).contains(number)
                else { throw Self.malformed }
                return number
            }
            fence = try integer(Name.fence)
            beat = try integer(Name.beat)
            if let text = item[Name.position] {
                guard let number = text.string.flatMap({ StreamSequenceNumber($0) }) else {
                    throw Self.malformed
                }
                position = number
            }
            if item[Name.doneThrough] != nil { doneThrough = try integer(Name.doneThrough) }
            owner = item[Name.owner]?.string
            isDone = item[Name.isDone] == .bool(true)
            isInitial = item[Name.isInitial] == .bool(true)
            wanted = item[Name.wanted]?.string
        }

        /// The attributes of a new row without its key.
        var attributes: Item {
            [
                Name.fence: .number(Number(fence)), Name.beat: .number(Number(beat)),
                Name.isInitial: .bool(isInitial),
            ]
        }

        private static var malformed: CodexError {
            CodexError(
                .corrupted,
                "An item with the checkpoint of a consumer is not as it was written. Remove the "
                    + "consumer, and register it again.")
        }
    }
#endif
