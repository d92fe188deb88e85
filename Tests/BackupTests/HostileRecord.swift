import Testing

@testable import CodexCore
@testable import CodexStore

/// A record that no leader writes, though its checksum is right.
struct HostileRecord: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// Writes the record's body.
    let body: @Sendable (Material, inout [UInt8]) throws -> Void

    init(
        _ description: String,
        _ body: @escaping @Sendable (Material, inout [UInt8]) throws -> Void
    ) {
        (testDescription, self.body) = (description, body)
    }

    static let all = items + bodies + metadata + shapes + consumers

    // MARK: Changes of items

    private static let items = [
        HostileRecord("an insert of what is there") { $0.item(nil, $0.stored, to: &$1) },
        HostileRecord("another old image") { $0.item($0.stored + [1], nil, to: &$1) },
        HostileRecord("a table that is not there") {
            $0.item(nil, $0.stored, table: 99, to: &$1)
        },
        HostileRecord("a huge table number") { $0.item(nil, $0.stored, table: .max, to: &$1) },
        HostileRecord("an item that cannot be read") {
            $0.item(key: [1, 2, 3], nil, [9, 9, 9, 9], to: &$1)
        },
        HostileRecord("an item of nothing") { $0.item(key: $0.key + [5], nil, [], to: &$1) },
        HostileRecord("a good change, then a bad one") {
            $0.item($0.stored, nil, to: &$1)
            $0.item(key: [0xFF], $0.stored, nil, to: &$1)
        },
        HostileRecord("an item that inflates to more than an item has") {
            $0.item($0.stored, try $0.bomb(), to: &$1)
        },
    ]

    // MARK: Bodies that end early, or go on

    private static let bodies = [
        HostileRecord("nothing") { _, _ in },
        HostileRecord("entries that end early") { $1 += [1, 3, 1] },
        HostileRecord("an unknown entry") { $1 += [77, 0, 0] },
        HostileRecord("an unknown space") { $1 += [2, 200, 0, 0] },
        HostileRecord("a length past the end") { $1 += [2, 3, 0xFF, 0xFF, 0xFF, 0x7F] },
        HostileRecord("an entry that ends in the padding") { material, body in
            material.item(material.stored, nil, to: &body)
            for count in 1...8 {
                var longer = body
                LogBody.appendSystem(
                    .tokens, key: [UInt8](repeating: 1, count: count), value: [0, 0, 0],
                    to: &longer)
                longer.removeLast(3)
                guard (1...5).contains(longer.count % 8) else { continue }
                body = longer
                return
            }
        },
    ]

    // MARK: The manifest, the position and the key of tokens

    private static let metadata = [
        HostileRecord("the position, behind an item") {
            $0.item($0.stored, nil, to: &$1)
            $0.meta(LogPosition.key, [0], to: &$1)
        },
        HostileRecord("the manifest, behind an item") {
            $0.item($0.stored, nil, to: &$1)
            $0.meta(Manifest.key, try $0.ownManifest(), to: &$1)
        },
        HostileRecord("a manifest that is none") { $0.meta(Manifest.key, [1, 2], to: &$1) },
        HostileRecord("a manifest that goes") { $0.meta(Manifest.key, nil, to: &$1) },
        HostileRecord("no manifest") { $0.meta(Manifest.generationKey, [0], to: &$1) },
        HostileRecord("a key of tokens that is none") {
            $0.meta(DigestKey.key, [1, 1, 0], to: &$1)
        },
        HostileRecord("a key of tokens that goes") { $0.meta(DigestKey.key, nil, to: &$1) },
        HostileRecord("the follower's own manifest") {
            $0.meta(Manifest.key, try $0.ownManifest(), to: &$1)
        },
        HostileRecord("a manifest that changes a table's number") { material, body in
            var renumbered = material.manifest
            renumbered.tables["t"] = .init(number: 7, indexes: ["byG": 1], counters: ["sums": 1])
            material.meta(Manifest.key, try renumbered.json(), to: &body)
        },
        HostileRecord("a manifest without a table") { material, body in
            let dropped = Manifest(schema: Schema(tables: [RandomHistory.schema.tables[1]]))
            material.meta(Manifest.key, try dropped.json(), to: &body)
        },
    ]

    // MARK: Shapes and keys

    private static let shapes = [
        HostileRecord("a shape that items use") {
            LogBody.appendSystem(
                .shapes, key: ShapeRegistry.key(0), value: Shape.encode(["x"]), to: &$1)
        },
        HostileRecord("a shape that leaves a gap") {
            LogBody.appendSystem(
                .shapes, key: ShapeRegistry.key(500), value: Shape.encode(["x"]), to: &$1)
        },
        HostileRecord("a shape that goes") {
            LogBody.appendSystem(.shapes, key: ShapeRegistry.key(0), value: nil, to: &$1)
        },
        HostileRecord("an empty key") {
            LogBody.appendSystem(.tokens, key: [], value: [1], to: &$1)
        },
    ]

    // MARK: Consumers

    private static let consumers = [
        HostileRecord("a consumer past all commits") { _, body in
            var state = Consumer(filter: .all, after: SequenceNumber(commit: .max), now: 0)
            state.movedAfter = .max
            LogBody.appendSystem(.consumers, key: [0, 1], value: try state.json(), to: &body)
        },
        HostileRecord("a consumer at a place that no log has") { _, body in
            var state = Consumer(filter: .all, after: SequenceNumber(commit: 1), now: 0)
            (state.segment, state.offset) = (.max, .max)
            LogBody.appendSystem(.consumers, key: [0, 1], value: try state.json(), to: &body)
        },
        HostileRecord("a key that is too long") {
            LogBody.appendSystem(
                .consumers, key: [UInt8](repeating: 1, count: 600), value: [1], to: &$1)
        },
    ]
}

extension HostileRecord {
    /// What the bodies are made of: an item that leader and follower have, and their manifests.
    struct Material {
        let key: [UInt8]
        let stored: [UInt8]
        /// The leader's.
        let manifest: Manifest
        private let followersManifest: Manifest

        init(_ pair: FollowerPair) throws {
            let (key, stored) = try pair.leader.core.withReadContext { context in
                try context.transaction.withCursor(try context.catalog.table("t").tree) { cursor in
                    let entry = try #require(unsafe try cursor.first())
                    return unsafe (Array(entry.key), Array(entry.value))
                }
            }
            (self.key, self.stored) = (key, stored)
            manifest = pair.leader.core.catalog.manifest
            followersManifest = pair.follower.core.catalog.manifest
        }

        /// The follower's manifest, which no longer follows.
        func ownManifest() throws -> [UInt8] {
            var manifest = followersManifest
            manifest.endFollowing()
            return try manifest.json()
        }

        /// A small item that inflates to 4 MiB.
        func bomb() throws -> [UInt8] {
            let mebibyte = AttributeValue.string(String(repeating: "a", count: 1 << 20))
            return try ItemCodec.encode(
                ["a": mebibyte, "b": mebibyte, "c": mebibyte, "d": mebibyte],
                header: ItemHeader(entityNumber: 0, schemaVersion: 0, version: 1), excluding: [],
                shapes: OwnNames())
        }

        /// Appends a change of the item, or of another key.
        func item(
            key: [UInt8]? = nil, _ old: [UInt8]?, _ new: [UInt8]?, table: Int = 1,
            to body: inout [UInt8]
        ) {
            LogBody.appendItem(
                table: table, key: key ?? self.key, old: old, new: new, isExpiry: false,
                isSilent: false, to: &body)
        }

        /// Appends a change of the store's metadata.
        func meta(_ key: [UInt8], _ value: [UInt8]?, to body: inout [UInt8]) {
            LogBody.appendSystem(.meta, key: key, value: value, to: &body)
        }
    }

    /// Lets each item carry its names.
    private final class OwnNames: ShapeInterner {
        func intern(_ names: StoredNames) throws(CodexError) -> UInt32? { nil }
    }
}
