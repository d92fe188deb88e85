internal import CodexCore

extension RemoteTableDesign {
    /// A difference between a table of a service and its design.
    public struct Difference: Sendable, Hashable {
        /// The kinds of differences.
        public enum Kind: String, Sendable, Hashable, CaseIterable {
            /// The table has another primary key.
            case tableKey
            /// The table lacks an index.
            case missingIndex
            /// An index has other key attributes.
            case indexKey
            /// An index has other attributes in addition to keys.
            case projection
            /// The table has an index that the design does not have.
            case otherIndex
            /// The stream is missing, or lacks an image.
            case stream
            /// Items expire by another attribute, or do not expire.
            case timeToLive
        }

        /// The kind of difference.
        public let kind: Kind
        /// The name of the index, or of the table.
        public let part: String

        /// Whether reads and writes of the design's keys fail on the table.
        public var isOfKeys: Bool { [.tableKey, .missingIndex, .indexKey].contains(kind) }
    }

    /// The differences of a table from the design, the table's own first.
    ///
    /// - Parameters:
    ///   - description: What the service tells of the table.
    ///   - timeToLive: The attribute by which its items expire, or none; it is not compared if it
    ///     is not given.
    /// - Returns: The differences; none if the table is as designed. An additional stream is no
    ///   difference.
    public func differences(
        from description: RemoteTableDescription, timeToLive: String?? = nil
    ) -> [Difference] {
        let found = description.definition
        var differences: [Difference] = []
        func note(_ kind: Difference.Kind, _ part: String? = nil) {
            differences.append(Difference(kind: kind, part: part ?? table.name))
        }
        if found.partitionKey != table.partitionKey || found.sortKey != table.sortKey {
            note(.tableKey)
        }
        for index in table.indexes {
            guard let other = found.indexes.first(where: { $0.name == index.name })?.plain else {
                note(.missingIndex, index.name)
                continue
            }
            if other.partitionKey != index.partitionKey || other.sortKey != index.sortKey {
                note(.indexKey, index.name)
            }
            if other.projection != index.projection { note(.projection, index.name) }
        }
        let names = Set(table.indexes.map(\.name))
        for index in found.indexes where !names.contains(index.name) {
            note(.otherIndex, index.name)
        }
        let isWhole = description.stream.map { $0.hasOldImages && $0.hasNewImages }
        if hasStream, isWhole != true { note(.stream) }
        if case .some(let attribute) = timeToLive, attribute != table.timeToLive {
            note(.timeToLive)
        }
        return differences
    }
}

extension RemoteTableDesign.Difference: CustomStringConvertible {
    /// What differs.
    public var description: String {
        switch kind {
        case .tableKey: "table \(part) has another primary key"
        case .missingIndex: "index \(part) is missing"
        case .indexKey: "index \(part) has another key"
        case .projection: "index \(part) projects other attributes"
        case .otherIndex: "index \(part) is not defined"
        case .stream: "table \(part) has no stream with both images"
        case .timeToLive: "items of table \(part) do not expire as defined"
        }
    }
}
