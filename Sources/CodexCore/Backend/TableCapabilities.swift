/// What the service behind a ``TableBackend`` can do.
///
/// A backend declares it, or asks the service when the program connects. A part that needs what is
/// missing refuses the backend there, and names what is missing. Nothing is done in another way
/// instead.
///
/// ```swift
/// try table.capabilities.require(.consistentItems, .transactions(actionCount: 100))
/// ```
///
/// A count of 0 means that the service lacks the operation. `Int.max` means that it has no limit.
public struct TableCapabilities: Sendable, Hashable {
    /// What a stream of changes has.
    public struct Stream: Sendable, Hashable {
        /// The changes whose order a stream keeps.
        public enum Order: String, Sendable, Hashable, CaseIterable {
            /// None: changes may come in any order.
            case none
            /// Those of one item.
            case item
            /// All changes of a table.
            case table
        }

        /// The order that is kept.
        public var order: Order
        /// Whether a change has the item before it.
        public var hasOldImages: Bool
        /// Whether a change has the item after it.
        public var hasNewImages: Bool
        /// Whether a change tells if it created the item, or changed one that was there.
        ///
        /// Otherwise the service names both as changes. A client tells them by the images of the
        /// item before the change, if the stream has them.
        public var distinguishesInsertions = true

        /// Describes a stream.
        public init(order: Order, hasOldImages: Bool, hasNewImages: Bool) {
            self.order = order
            self.hasOldImages = hasOldImages
            self.hasNewImages = hasNewImages
        }
    }

    /// How items expire.
    public enum Expiry: String, Sendable, Hashable, CaseIterable {
        /// No read finds an expired item.
        case exact
        /// Reads may find it for some time. The stream tells removals by expiry from others.
        case lateAndMarked
        /// Reads may find it for some time. In the stream, its removal looks like any other.
        case late
    }

    /// Whether a read of an item can see all completed writes.
    public var hasConsistentItems = false
    /// Whether a query of the table can see all completed writes.
    public var hasConsistentQueries = false
    /// Whether a query of an index can see all completed writes.
    public var hasConsistentIndexQueries = false
    /// Whether a write of one item can have a condition.
    public var hasConditionalWrites = false
    /// The most actions of a list that is performed as a whole, or not at all.
    public var transactionActionCountMax = 0
    /// The most bytes of all items of such a list.
    public var transactionByteCountMax = 0
    /// For how many seconds the service knows the idempotency token of a list.
    public var idempotencySeconds = 0
    /// Whether the key of an index can have several attributes of each kind.
    public var hasCompositeIndexKeys = false
    /// The most items that one request reads.
    public var batchReadCountMax = 0
    /// The most items that one request writes, each by itself.
    public var batchWriteCountMax = 0
    /// The stream of changes; `nil` if there is none.
    public var stream: Stream?
    /// How items expire; `nil` if they do not.
    public var expiry: Expiry?
    /// Whether the service keeps the entity and the schema version of each item.
    ///
    /// Otherwise a client stores them in the item, in the attribute ``reservedAttribute``.
    public var keepsEntities = false

    /// The attribute in which a client of a service without entities stores entity and version.
    ///
    /// Its value is text, such as `task#2`. An embedded store has no such attribute, and neither
    /// have its exports. An export of the service has it, and `codexflow import` leaves it out.
    public static let reservedAttribute = "$entity"

    /// The beginning of the partition keys of items with the checkpoints of a client's consumers.
    package static let consumerPrefix = "$consumer#"

    /// Describes a service that only reads and writes single items, without any promise.
    public init() {}

    /// An embedded store: it has everything, without limits of counts.
    public static let embedded: Self = {
        var all = Self()
        all.hasConsistentItems = true
        all.hasConsistentQueries = true
        all.hasConsistentIndexQueries = true
        all.hasConditionalWrites = true
        all.transactionActionCountMax = .max
        all.transactionByteCountMax = .max
        all.idempotencySeconds = DynamoDBLimits.idempotencyWindowSeconds
        all.hasCompositeIndexKeys = true
        all.batchReadCountMax = .max
        all.batchWriteCountMax = .max
        all.stream = Stream(order: .table, hasOldImages: true, hasNewImages: true)
        all.expiry = .exact
        all.keepsEntities = true
        return all
    }()

    /// DynamoDB, as its developer guide describes it.
    public static let dynamoDB: Self = {
        var found = Self()
        found.hasConsistentItems = true
        found.hasConsistentQueries = true
        found.hasConditionalWrites = true
        found.transactionActionCountMax = DynamoDBLimits.transactionActionCountMax
        found.transactionByteCountMax = DynamoDBLimits.transactionByteCountMax
        found.idempotencySeconds = DynamoDBLimits.idempotencyWindowSeconds
        found.hasCompositeIndexKeys = true
        found.batchReadCountMax = 100
        found.batchWriteCountMax = 25
        found.stream = Stream(order: .item, hasOldImages: true, hasNewImages: true)
        found.expiry = .lateAndMarked
        return found
    }()

    /// ScyllaDB's Alternator, as its documentation describes it: DynamoDB's API without lists of
    /// actions and without indexes of several key attributes.
    public static let alternator: Self = {
        var found = dynamoDB
        found.transactionActionCountMax = 0
        found.transactionByteCountMax = 0
        found.idempotencySeconds = 0
        found.hasCompositeIndexKeys = false
        found.stream?.distinguishesInsertions = false
        found.expiry = .late
        return found
    }()
}

// MARK: Needs

extension TableCapabilities {
    /// What a program may need of a service.
    public enum Need: Sendable, Hashable {
        /// Reads of items that see all completed writes.
        case consistentItems
        /// Queries of a table that see all completed writes.
        case consistentQueries
        /// Queries of indexes that see all completed writes.
        case consistentIndexQueries
        /// Writes of single items with conditions.
        case conditionalWrites
        /// Lists of so many actions, performed as a whole.
        case transactions(actionCount: Int)
        /// Tokens by which a list that is sent again happens once.
        case idempotencyTokens
        /// Indexes whose keys have several attributes.
        case compositeIndexKeys
        /// Reads of several items in one request.
        case batchReads
        /// Writes of several items in one request.
        case batchWrites
        /// A stream of changes.
        case stream
        /// Items that expire.
        case timeToLive
    }

    /// Whether the service performs lists of actions as a whole.
    public var hasTransactions: Bool { transactionActionCountMax > 0 }

    /// The needs that the service does not meet, in their order.
    public func missing(_ needs: [Need]) -> [Need] { needs.filter { !meets($0) } }

    /// Refuses the service if it lacks one of some needs.
    ///
    /// - Parameter needs: What the program needs.
    /// - Throws: ``CodexError/Code/unsupportedOperation`` with the name of each missing need.
    public func require(_ needs: Need...) throws(CodexError) { try require(needs) }

    /// Refuses the service if it lacks one of the needs of a list.
    ///
    /// - Parameter needs: What the program needs.
    /// - Throws: ``CodexError/Code/unsupportedOperation`` with the name of each missing need.
    public func require(_ needs: [Need]) throws(CodexError) {
        let missing = missing(needs)
        guard missing.isEmpty else {
            throw CodexError(
                .unsupportedOperation,
                "The service lacks \(missing.map(\.description).joined(separator: ", ")). Use a "
                    + "service that has it, or a part of Codex that does not need it.")
        }
    }

    private func meets(_ need: Need) -> Bool {
        switch need {
        case .consistentItems: hasConsistentItems
        case .consistentQueries: hasConsistentQueries
        case .consistentIndexQueries: hasConsistentIndexQueries
        case .conditionalWrites: hasConditionalWrites
        case .transactions(let count): transactionActionCountMax >= count
        case .idempotencyTokens: idempotencySeconds > 0
        case .compositeIndexKeys: hasCompositeIndexKeys
        case .batchReads: batchReadCountMax > 1
        case .batchWrites: batchWriteCountMax > 1
        case .stream: stream != nil
        case .timeToLive: expiry != nil
        }
    }
}

extension TableCapabilities.Need: CustomStringConvertible {
    /// The need's name in errors.
    public var description: String {
        switch self {
        case .consistentItems: "consistent reads of items"
        case .consistentQueries: "consistent queries of tables"
        case .consistentIndexQueries: "consistent queries of indexes"
        case .conditionalWrites: "conditional writes"
        case .transactions(let count): "transactions of \(count) actions"
        case .idempotencyTokens: "idempotency tokens"
        case .compositeIndexKeys: "index keys of several attributes"
        case .batchReads: "batch reads"
        case .batchWrites: "batch writes"
        case .stream: "a stream of changes"
        case .timeToLive: "time to live"
        }
    }
}
