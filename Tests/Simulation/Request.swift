internal import Foundation

/// A command to a simulated process.
///
/// In a program, paths are names in the directory of the history.
package struct Request: Codable, Hashable, Sendable {
    /// What is to be done.
    package enum Name: String, Codable, Sendable {
        case open, close, write, writes, read, scan, checkpoint, removeExpired
        case addIndex, removeIndex, addCounter, removeCounter, addTimeToLive, removeTimeToLive
        case changeLayout
        case buildStep, consume, backup, archive, restore, follow
        case compact, verify, sequence, changes, commitNumbers
        case pages
        // With a snapshot that the process holds, with its cache, and with its observation.
        case hold, heldRead, letGo, cachedRead, observe, observed, endObservation
    }

    /// The name of the command.
    package var command: Name
    /// The wall clock, in seconds.
    package var now: Int?
    /// A store.
    package var path: String?
    /// The planted fault.
    package var plant: String?
    /// After how many replaced bytes a checkpoint is made.
    package var dirtyBytes: Int?
    /// The size of a segment.
    package var segmentBytes: Int?
    /// The number of a write.
    package var op: Int?
    /// The idempotency token of a write.
    package var token: String?
    /// The process whose marker a write puts, if another one sends it.
    package var process: Int?
    /// The actions of a write.
    package var actions: [Action]?
    /// The writes that run as one group.
    package var writes: [Request]?
    /// The items of a read.
    package var items: [ItemKey]?
    /// The groups of a read whose items are read.
    package var groups: [String]?
    /// The groups of a read whose totals are read.
    package var totals: [String]?
    /// Whether a read reads the markers.
    package var markers: Bool?
    /// The numbers of the orders of a read.
    package var orders: [Int]?
    /// The sites of a read whose open orders are read.
    package var sites: [String]?
    /// The passes of a read.
    package var passes: [ItemKey]?
    /// How many items a page of a group has at most, in a read; without it a group is one page.
    package var pageLimit: Int?
    /// Whether the process gives the turn back after each part of what it reads; `nil` is no.
    package var takesTurns: Bool?
    /// How many items, changes or steps.
    package var limit: Int?
    /// An index, a counter, an attribute of a time to live, or a consumer.
    package var name: String?
    /// The layout that an index gets.
    package var layout: String?
    /// Where a backup, an archive or a restored store goes.
    package var to: String?
    /// A backup.
    package var from: String?
    /// An archive.
    package var archive: String?
    /// The commit that is restored.
    package var sequence: Int?
    /// The commit after which changes are read.
    package var after: Int?
    /// The change of that commit after which they are read, if not all of its changes were.
    package var ordinal: Int?

    /// Creates a command without arguments.
    package init(_ command: Name) { self.command = command }

    /// The part of the schema that the command adds, removes or changes.
    var schemaPart: History.SchemaPart? {
        switch command {
        case .addIndex, .removeIndex: .index
        case .addCounter, .removeCounter: .counter
        case .addTimeToLive, .removeTimeToLive: .timeToLive
        case .changeLayout: .layout(name ?? "")
        default: nil
        }
    }

    /// Whether the command adds a part of the schema.
    var isAddition: Bool { [.addIndex, .addCounter, .addTimeToLive].contains(command) }

    /// The line that a process reads; paths are in a directory.
    func line(in directory: String) throws -> String {
        var request = self
        for path in [\Request.path, \.to, \.from, \.archive] {
            if let name = request[keyPath: path] { request[keyPath: path] = directory + "/" + name }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(request), as: UTF8.self)
    }
}

/// An answer of a simulated process.
package struct Answer: Decodable, Sendable {
    /// The results of a command that succeeded.
    package var ok: Results?
    /// The code of an error.
    package var error: String?
    /// The text of an error.
    package var message: String?
    /// The reasons of a list of actions that was not done.
    package var reasons: [String?]?
    /// The place of the action that failed.
    package var action: Int?

    /// Reads a line.
    init(line: String) throws {
        self = try JSONDecoder().decode(Answer.self, from: Data(line.utf8))
    }

    /// The results of all commands; each has some of them.
    package struct Results: Decodable, Sendable {
        package var recovered: Bool?
        package var done: Bool?
        /// Of a group, the answer to each write.
        package var writes: [Answer]?
        /// What a step of a build has left.
        package var state: String?
        /// What a consumer has counted.
        package var total: ConsumedTotal?
        package var sequence: Int?
        package var leaderSequence: Int?
        package var firstSequence: Int?
        package var hasGap: Bool?
        package var trimmed: Int?
        package var items: [ItemImage?]?
        package var groups: [[ItemImage]]?
        package var totals: [GroupTotal]?
        package var markers: [String: Int]?
        package var orders: [Order?]?
        package var open: [[Order]]?
        package var passes: [ItemImage?]?
        /// The pages of a group.
        package var pages: [ItemPage]?
        /// What an observation delivered; its last value is in `orders` or `open`, too.
        package var deliveries: [Delivery]?
        /// Whether the snapshot that the process holds has ended.
        package var ended: Bool?
        package var count: Int?
        package var at: String?
        package var end: Bool?
        package var last: Int?
        /// The last change of that commit, if there are more of it.
        package var lastOrdinal: Int?
        package var changes: [LoggedCommit]?
        /// Of a copy, its whole change stream.
        package var stream: [LoggedCommit]?
        package var scan: Scan?
        package var verify: Verification?
        package var segments: [Segment]?

        private enum CodingKeys: String, CodingKey {
            case recovered, done, sequence, leaderSequence, firstSequence, hasGap, trimmed, items
            case groups, totals, markers, count, at, end, last, lastOrdinal, commits
            case scan, verify, segments
            case sound, byG, writes, state, total, orders, open, passes, ended, stream
            case pages, deliveries
        }

        /// Creates results without any.
        package init() {}

        /// Reads what is there.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            func value<Value: Decodable>(_ key: CodingKeys) throws -> Value? {
                try container.decodeIfPresent(Value.self, forKey: key)
            }
            recovered = try value(.recovered)
            done = try value(.done)
            writes = try value(.writes)
            state = try value(.state)
            total = try value(.total)
            sequence = try value(.sequence)
            leaderSequence = try value(.leaderSequence)
            firstSequence = try value(.firstSequence)
            hasGap = try value(.hasGap)
            trimmed = try value(.trimmed)
            markers = try value(.markers)
            count = try value(.count)
            at = try value(.at)
            end = try value(.end)
            last = try value(.last)
            lastOrdinal = try value(.lastOrdinal)
            ended = try value(.ended)
            pages = try value(.pages)
            deliveries = try value(.deliveries)
            stream = try value(.stream)
            segments = try value(.segments)
            if container.contains(.byG) {
                // The answer of a scan is the scan.
                scan = try Scan(from: decoder)
            } else if container.contains(.sound) {
                verify = try Verification(from: decoder)
            } else {
                scan = try value(.scan)
                verify = try value(.verify)
                items = try value(.items)
                groups = try value(.groups)
                totals = try value(.totals)
                orders = try value(.orders)
                open = try value(.open)
                passes = try value(.passes)
            }
            // An opening tells how many commits it redid: a number.
            if end != nil { changes = try value(.commits) }
        }
    }
}

extension Answer.Results {
    /// The change stream of a copy, if the answer has one.
    var copiedStream: History.CopiedStream? {
        guard let stream, let trimmed else { return nil }
        return History.CopiedStream(after: trimmed, commits: stream)
    }
}

/// A page of a group, with a snapshot of its own.
package struct ItemPage: Decodable, Hashable, Sendable {
    /// The snapshot's last commit.
    package var sequence: Int
    /// The items.
    package var items: [ItemImage]
}

/// A value that an observation delivered.
package struct Delivery: Decodable, Hashable, Sendable {
    /// The last commit of the state that it is of.
    package var sequence: Int
    /// The order, as a list with it alone, if one is observed.
    package var orders: [Order?]?
    /// The open orders, as a list with them alone, if those of a site are observed.
    package var open: [[Order]]?
}

/// All that a snapshot has.
package struct Scan: Decodable, Sendable {
    /// The snapshot's last commit.
    package var sequence: Int
    /// The items, those of markers included.
    package var items: [ItemImage]
    /// The consumers' items.
    package var counters: [ItemImage]
    /// The entries of the index byG.
    package var byG: Part<ItemImage>
    /// The entries of the unique index.
    package var byU: Part<ItemImage>
    /// The entries of the index that comes and goes; `nil` if there is none.
    package var byV: Part<ItemImage>?
    /// The totals of all groups.
    package var totals: Part<GroupTotal>
    /// The totals of the counter that comes and goes; `nil` if there is none.
    package var addedTotals: Part<GroupTotal>?
    /// The table of orders.
    package var orders = OrderScan()
    /// The table of passes.
    package var passes = PassScan()
    /// The consumers' checkpoints.
    package var consumers: [ConsumerPlace] = []
    /// The layouts of indexes, by name, each with the one that it gets.
    package var layouts: [String: String]?

    /// A list, or the code of the reason why there is none.
    package struct Part<Element: Decodable & Sendable>: Decodable, Sendable {
        /// The elements.
        package var elements: [Element]?
        /// The reason.
        package var code: String?

        /// Makes a list.
        package init(_ elements: [Element]) { self.elements = elements }

        /// Reads a list or a code.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let code = try? container.decode(String.self) {
                self.code = code
            } else {
                elements = try container.decode([Element].self)
            }
        }
    }
}

/// All that a snapshot has of orders.
package struct OrderScan: Decodable, Sendable {
    /// The items.
    package var items = Scan.Part<ItemImage>([])
    /// The entries of the index of open orders.
    package var open = Scan.Part<ItemImage>([])
    /// The entries of the unique index of badges.
    package var badges = Scan.Part<ItemImage>([])
    /// The totals of the sites.
    package var totals: [GroupTotal] = []
}

/// All that a snapshot has of passes.
package struct PassScan: Decodable, Sendable {
    /// The items.
    package var items = Scan.Part<ItemImage>([])
    /// The entries of the index of their values.
    package var byV = Scan.Part<ItemImage>([])
}

/// Up to where a consumer has counted.
package struct ConsumerPlace: Decodable, Hashable, Sendable {
    /// Its name.
    package var name: String
    /// The number of the last change.
    package var at: String
}

/// What a consumer has counted.
package struct ConsumedTotal: Decodable, Hashable, Sendable {
    /// How many changes.
    package var n: Int
    /// A digest of their numbers.
    package var chain: String
}

/// What a verification found.
package struct Verification: Decodable, Sendable {
    /// Whether nothing differs.
    package var sound: Bool
    /// What differs.
    package var differences: [String]
}

/// A segment of the log, as its file tells.
package struct Segment: Decodable, Sendable {
    /// Its number.
    package var number: Int
    /// Its first commit.
    package var first: Int
    /// How many commits it has.
    package var count: Int
    /// How it ends.
    package var end: String
}

/// A commit of the change stream.
package struct LoggedCommit: Decodable, Hashable, Sendable {
    /// Its number.
    package var sequence: Int
    /// Its changes.
    package var changes: [LoggedChange]
}

/// A change of the change stream.
package struct LoggedChange: Decodable, Hashable, Sendable {
    /// The table.
    package var table: String
    /// The key of the item.
    package var key: ItemKey
    /// What it does to the item: INSERT, MODIFY or REMOVE.
    package var kind: String?
    /// Whether the item was removed because it was over.
    package var isExpiry: Bool
    /// The wall clock of the process that wrote, in seconds.
    package var time: Double?
    /// The place in the commit.
    package var ordinal: Int
    /// The item before.
    package var old: ItemImage?
    /// The item after.
    package var new: ItemImage?

    /// Whether a write made it, and no consumer.
    var isOfWrite: Bool { table != "c" }

    /// The kind that its images show.
    var shownKind: String { new == nil ? "REMOVE" : old == nil ? "INSERT" : "MODIFY" }

    /// Creates a change of the table of items.
    package init(
        _ key: ItemKey, old: ItemImage?, new: ItemImage?, isExpiry: Bool = false, ordinal: Int = 0
    ) {
        (table, self.key, self.old, self.new) = ("t", key, old, new)
        (self.isExpiry, self.ordinal) = (isExpiry, ordinal)
    }
}
