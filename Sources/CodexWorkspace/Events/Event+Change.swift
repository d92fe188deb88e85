public import CodexCore
public import FoundationEssentials

extension CodexFlow.Event {
    /// A change of an item of CodexFlow's table, from which events follow.
    ///
    /// The changes of a store are `ChangeRecord`s, which have their events. This type is for a
    /// remote table, with a function behind DynamoDB Streams:
    ///
    /// ```swift
    /// let change = try CodexFlow.Event.Change(streamRecord: record)
    /// for event in try CodexFlow.Event.events(of: change) { try await publish(event.json) }
    /// ```
    public struct Change: Sendable, Hashable {
        /// The item before the change; `nil` if there was none.
        public var old: Item?
        /// The item after the change; `nil` if there is none.
        public var new: Item?
        /// The time of the change.
        public var time: Date
        /// The stream that the change is from, since sequence numbers belong to one stream.
        public var origin: String
        /// The change's sequence number in its stream.
        public var sequence: String
        /// Whether the item was deleted because its time to live was over.
        public var isExpiry: Bool

        /// Creates a change.
        ///
        /// - Parameters:
        ///   - old: The item before the change; `nil` if there was none.
        ///   - new: The item after the change; `nil` if there is none.
        ///   - time: The time of the change.
        ///   - origin: The stream that the change is from, since sequence numbers belong to one
        ///     stream.
        ///   - sequence: The change's sequence number in its stream.
        ///   - isExpiry: Whether the item was deleted because its time to live was over.
        public init(
            old: Item?, new: Item?, time: Date, origin: String, sequence: String,
            isExpiry: Bool = false
        ) {
            self.old = old
            self.new = new
            self.time = time
            self.origin = origin
            self.sequence = sequence
            self.isExpiry = isExpiry
        }

        /// Reads a change from a record of DynamoDB Streams, as JSON.
        ///
        /// The record is one of the list `Records` that a function gets, or that `GetRecords`
        /// returns. The stream must have both images (`NEW_AND_OLD_IMAGES`): events depend on what
        /// has changed.
        ///
        /// - Parameters:
        ///   - json: The record.
        ///   - origin: The stream, if the record does not name it (`eventSourceARN`).
        /// - Throws: ``CodexError/Code/invalidJSON`` for a malformed record;
        ///   ``CodexError/Code/invalidNumber``; ``CodexError/Code/invalidArgument`` for a record
        ///   without the images of its kind.
        public init(streamRecord json: [UInt8], origin: String = "") throws(CodexError) {
            let record = try StreamRecord(try JSONNode.parse(json))
            self.init(
                old: try record.image("OldImage", isExpected: record.name != "INSERT"),
                new: try record.image("NewImage", isExpected: record.name != "REMOVE"),
                time: record.time, origin: record.source ?? origin, sequence: record.sequence,
                isExpiry: record.isExpiry)
        }
    }

    /// The events that a change of an item produces.
    ///
    /// The same change always gives the same events with the same identifiers. A function that gets
    /// a change twice gives the same events twice, and their receivers can tell by `id`.
    ///
    /// - Returns: The events, in order. There are none for items of no model of CodexFlow, for
    ///   sequences and analytics, and for most of the history.
    /// - Throws: ``CodexError/Code/invalidKey`` if the item lacks a key attribute; the errors of
    ///   reading the models; ``CodexError/Code/keyUnavailable`` if a value is encrypted.
    public static func events(of change: Change) throws(CodexError) -> [CodexFlow.Event] {
        guard let item = change.new ?? change.old else { return [] }
        let schema = CodexFlow.schema
        let entity = try schema.entity(of: item, in: CodexFlow.table)
        // A stream has encrypted values as plain binaries.
        func image(_ item: Item?) -> Item? {
            guard let item, let entity else { return item }
            return schema.recognizingSealedValues(of: item, entity)
        }
        let (old, new) = (image(change.old), image(change.new))
        if let name = old?.sealedName ?? new?.sealedName { throw .keyUnavailable(name) }
        return try events(
            of: entity?.name, old: old, new: new, time: change.time,
            origin: change.origin, sequence: change.sequence, isExpiry: change.isExpiry)
    }
}

/// A record of DynamoDB Streams, in the spelling of functions or of `GetRecords`.
private struct StreamRecord {
    /// `INSERT`, `MODIFY` or `REMOVE`.
    let name: String
    let sequence: String
    let time: Date
    let source: String?
    let isExpiry: Bool
    private let change: [String: JSONNode]

    init(_ node: JSONNode) throws(CodexError) {
        let members = Self.members(of: node)
        let change = Self.members(of: members["dynamodb"])
        guard let name = Self.text(members["eventName"]),
            ["INSERT", "MODIFY", "REMOVE"].contains(name),
            let sequence = Self.text(change["SequenceNumber"]),
            case .number(let seconds)? = change["ApproximateCreationDateTime"]
        else {
            throw CodexError(
                .invalidJSON,
                "That is no record of DynamoDB Streams: it has eventName, and dynamodb with "
                    + "SequenceNumber and ApproximateCreationDateTime.")
        }
        self.name = name
        self.sequence = sequence
        self.change = change
        let instant = try Number(parsing: seconds).double
        time = Date(timeIntervalSince1970: instant).bounded
        source = Self.text(members["eventSourceARN"])
        let identity = Self.members(of: members["userIdentity"])
        let principal = Self.text(identity["principalId"] ?? identity["PrincipalId"])
        isExpiry = name == "REMOVE" && principal == "dynamodb.amazonaws.com"
    }

    /// An image of the record; a record of the kind has it, or has none.
    func image(_ name: String, isExpected: Bool) throws(CodexError) -> Item? {
        guard isExpected else { return nil }
        guard let image = change[name] else {
            throw CodexError(
                .invalidArgument,
                "The record has no \(name). Set the stream's view to NEW_AND_OLD_IMAGES.")
        }
        return try DynamoDBJSON.item(image)
    }

    private static func members(of node: JSONNode?) -> [String: JSONNode] {
        guard case .object(let members)? = node else { return [:] }
        return Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
    }

    private static func text(_ node: JSONNode?) -> String? {
        guard case .string(let text)? = node else { return nil }
        return text
    }
}
