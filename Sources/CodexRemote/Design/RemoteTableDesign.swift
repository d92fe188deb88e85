public import CodexCore

/// The table that a service can have for a definition, and what the service lacks of it.
///
/// DynamoDB has less than an embedded store: no index with an entry for each element of a list, no
/// unique index, no counter. What is left out, or is less than the definition says, is in
/// ``omissions``. The design makes the request that creates the table, and templates of
/// CloudFormation and Terraform. It compares a table with its definition.
///
/// ```swift
/// let design = RemoteTableDesign(definition)
/// print(design.cloudFormation)
/// ```
public struct RemoteTableDesign: Sendable, Hashable {
    /// A part of a definition that the service does not have as it is defined.
    public struct Omission: Sendable, Hashable {
        /// Why the part is missing, or less.
        public enum Reason: String, Sendable, Hashable, CaseIterable {
            /// The index has an entry for each element of an attribute; it is left out.
            case multiValuedIndex
            /// The partition key or the sort key of the index has several attributes; it is left
            /// out.
            case compositeIndexKey
            /// The service has no more indexes for a table; the index is left out.
            case indexCount
            /// The index is there, and does not refuse equal keys.
            case uniqueness
            /// The index is there, and has the items of all entities with its attributes.
            case entities
            /// The counter is left out.
            case counter
            /// The stream is left out.
            case stream
            /// The time to live is left out.
            case timeToLive
        }

        /// The name of the index, the counter or the attribute; the table's for a stream.
        public let part: String
        /// Why it is missing, or less.
        public let reason: Reason
    }

    /// The table as the service has it, without counters.
    public let table: TableDefinition
    /// Whether the table has a stream with both images.
    public let hasStream: Bool
    /// What the service lacks, in the order of the definition.
    public let omissions: [Omission]

    /// The most global indexes of a table: DynamoDB's quota, which AWS can raise.
    private static let indexCountMax = 20

    /// Designs a table.
    ///
    /// - Parameters:
    ///   - definition: The definition.
    ///   - capabilities: What the service can do.
    ///   - hasStream: Whether the table gets a stream with both images.
    public init(
        _ definition: TableDefinition, capabilities: TableCapabilities = .dynamoDB,
        hasStream: Bool = true
    ) {
        var indexes: [IndexDefinition] = []
        var omissions: [Omission] = []
        for index in definition.indexes {
            let reason: Omission.Reason? =
                if index.multiValued != nil {
                    .multiValuedIndex
                } else if index.isComposite, !capabilities.hasCompositeIndexKeys {
                    .compositeIndexKey
                } else if indexes.count == Self.indexCountMax {
                    .indexCount
                } else {
                    nil
                }
            if let reason {
                omissions.append(Omission(part: index.name, reason: reason))
                continue
            }
            if index.isUnique {
                omissions.append(Omission(part: index.name, reason: .uniqueness))
            }
            if index.entities != nil {
                omissions.append(Omission(part: index.name, reason: .entities))
            }
            indexes.append(index.plain)
        }
        omissions += definition.counters.map { Omission(part: $0.name, reason: .counter) }
        let streams = hasStream && capabilities.stream != nil
        if hasStream, !streams {
            omissions.append(Omission(part: definition.name, reason: .stream))
        }
        let timeToLive = capabilities.expiry == nil ? nil : definition.timeToLive
        if let attribute = definition.timeToLive, timeToLive == nil {
            omissions.append(Omission(part: attribute, reason: .timeToLive))
        }
        table = TableDefinition(
            definition.name, partitionKey: definition.partitionKey, sortKey: definition.sortKey,
            indexes: indexes, timeToLive: timeToLive)
        self.hasStream = streams
        self.omissions = omissions
    }

    /// Refuses the design if the service lacks more than is accepted.
    ///
    /// - Parameter accepted: What may be missing.
    /// - Throws: ``CodexError/Code/unsupportedOperation`` with each other omission.
    public func requireComplete(
        accepting accepted: Set<Omission.Reason> = []
    ) throws(CodexError) {
        let others = omissions.filter { !accepted.contains($0.reason) }
        guard others.isEmpty else {
            throw CodexError(
                .unsupportedOperation,
                "The service cannot have the table as it is defined: "
                    + others.map(\.description).joined(separator: "; ")
                    + ". Accept it, or change the definition.")
        }
    }
}

extension RemoteTableDesign.Omission: CustomStringConvertible {
    /// The part, and what is missing.
    public var description: String {
        switch reason {
        case .multiValuedIndex: "index \(part) is left out, since it is multi-valued"
        case .compositeIndexKey:
            "index \(part) is left out, since its key has several attributes"
        case .indexCount: "index \(part) is left out, since the table has too many"
        case .uniqueness: "index \(part) is not unique"
        case .entities: "index \(part) has the items of all entities"
        case .counter: "counter \(part) is left out"
        case .stream: "the stream of \(part) is left out"
        case .timeToLive: "the time to live \(part) is left out"
        }
    }
}

extension IndexDefinition {
    /// The index with what a service knows of it; the projected names are in order.
    var plain: IndexDefinition {
        var projection = projection
        if case .include(let names) = projection { projection = .include(names.sorted()) }
        return IndexDefinition(
            name, partitionKey: partitionKey, sortKey: sortKey, projection: projection)
    }
}
