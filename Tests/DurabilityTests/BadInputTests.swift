import CodexCore
import CodexStore
import CodexTesting
import CrashSupport
import Foundation
import Testing

/// Files that are torn, flipped, missing, or another store's: named, and left as they are.
@Suite("Damaged files", .serialized)
struct BadInputTests {
    let directory: String
    /// A store of a process that was killed with some dozen commits after the checkpoint.
    let killed: CrashStore

    init() throws {
        directory = try TemporaryStore.makeDirectory()
        var store = CrashStore(directory + "/killed")
        let agent = try CrashAgent(
            store.path, writers: 0..<2, seed: 5, killedAt: .committed, after: 40,
            rareCheckpoints: true)
        agent.waitForEnd()
        store.note(agent)
        killed = store
    }

    private func cleaning(_ body: () throws -> Void) throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body()
    }

    private func copy(_ name: String) throws -> String {
        let path = directory + "/" + name
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.copyItem(atPath: killed.path, toPath: path)
        return path
    }

    /// The bytes of a record up to the end of its number.
    private static let numberEnd = 24
    private static let segment = "/log/0000000000000001.segment"

    private func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    private func write(_ bytes: [UInt8], _ path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    /// Where the records of the first segment begin and end.
    private func records(_ path: String) throws -> [Range<Int>] {
        let bytes = try bytes(path + Self.segment)
        var (records, offset): ([Range<Int>], Int) = ([], 4096)
        while offset + 48 <= bytes.count {
            let sequence = bytes[offset + 16..<offset + 24].reversed().reduce(0) {
                $0 << 8 | Int($1)
            }
            guard sequence == records.count + 1 else { break }
            let body = bytes[offset + 4..<offset + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
            let end = offset + (48 + body + 7) & ~7
            records.append(offset..<end)
            offset = end
        }
        return records
    }

    /// All files of a store and what they hold, but the locks.
    private func contents(_ path: String) throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path)
        where !name.hasSuffix(".lock") && name != "lock.mdb" {
            contents[name] = FileManager.default.contents(atPath: path + "/" + name)
        }
        return contents
    }

    /// Opening must be refused with a code, and change nothing.
    private func expectRefused(
        _ code: CodexError.Code, _ what: String, _ change: (String) throws -> Void
    ) throws {
        let path = try copy("damaged")
        try change(path)
        let before = try contents(path)
        for isReadOnly in [false, true] {
            do {
                try Store(at: path, options: StoreOptions(isReadOnly: isReadOnly)).close()
                Issue.record("\(what): opened, read-only \(isReadOnly)")
            } catch {
                let isNamed = error.code == code || isReadOnly && error.code == .needsRecovery
                #expect(isNamed, "\(what): \(error)")
            }
        }
        let after = try contents(path)
        #expect(before == after, "\(what)")
    }

    @Test("A torn last record is dropped, whole or in part, and said to be torn")
    func torn() throws {
        try cleaning {
            let last = try #require(try records(killed.path).last)
            let sound = try bytes(killed.path + Self.segment)
            for end in stride(
                from: last.lowerBound, to: last.upperBound, by: max(8, last.count / 96 * 8))
            {
                let path = try copy("torn")
                var bytes = sound
                for position in end..<last.upperBound { bytes[position] = 0 }
                try write(bytes, path + Self.segment)
                let store = try Store(at: path)
                let report = try #require(store.recovery)
                // What precedes the number may be of an earlier record in the place.
                let isNumbered = end >= last.lowerBound + Self.numberEnd
                #expect(report.foundTornRecord == isNumbered, "\(end)")
                #expect(try store.verify().isSound)
                #expect(try store.stats().sequence == UInt64(try records(killed.path).count - 1))
                // The next commit takes the lost one's number, in a fresh segment.
                _ = try store.write { try $0.put(["w": "x", "s": "y"], in: "t") }
                store.close()
                let again = try Store(at: path)
                #expect(try again.item(in: "t", key: PrimaryKey("x", "y")) != nil)
                #expect(again.recovery?.commitCount == 0)
                again.close()
            }
        }
    }

    @Test("A bit flipped in the last record takes that record; in an earlier one it is named")
    func flipped() throws {
        try cleaning {
            let all = try records(killed.path)
            let sound = try bytes(killed.path + Self.segment)
            func flip(_ position: Int) -> (String) throws -> Void {
                { path in
                    var bytes = sound
                    bytes[position] ^= 0x10
                    try write(bytes, path + Self.segment)
                }
            }
            let middle = all[all.count / 2]
            for offset in [0, 4, 8, 16, 24, 32, 40, 48, middle.count / 2] {
                try expectRefused(.corrupted, "middle, \(offset)", flip(middle.lowerBound + offset))
                let path = try copy("inspected")
                try flip(middle.lowerBound + offset)(path)
                let segment = try #require(try LogInspection(at: path).segments.last)
                #expect(segment.end == .damaged && segment.commitCount == all.count / 2)
            }
            // A segment that somebody began there, and gave up, does not hide it.
            func next(_ bytes: inout [UInt8]) {
                func put(_ value: some FixedWidthInteger, _ position: Int) {
                    for index in 0..<value.bitWidth / 8 {
                        bytes[position + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
                    }
                }
                let before = all[all.count / 2 - 1].lowerBound
                let checksum = sound[before..<before + 4]
                bytes.removeSubrange(8192...)
                for position in 4096..<8192 { bytes[position] = 0 }
                put(UInt64(2), 32)
                put(UInt64(all.count / 2 + 1), 48)
                bytes.replaceSubrange(56..<60, with: checksum)
                put(UInt64(8192), 64)
                put(Compression.checksum(bytes[16..<80]), 12)
            }
            let stale = "/log/0000000000000002.segment"
            try expectRefused(.corrupted, "hidden by the next segment") { path in
                try flip(middle.lowerBound + 50)(path)
                var bytes = sound
                next(&bytes)
                try write(bytes, path + stale)
            }
            let path = try copy("given-up")
            var empty = sound
            next(&empty)
            try write(empty, path + stale)
            let store = try Store(at: path)
            #expect(try store.stats().sequence == UInt64(all.count))
            #expect(try store.verify().isSound)
            store.close()
            for position in [0, 9, 13, 17, 33, 41, 49, 57, 65, 73] {
                try expectRefused(
                    position == 9 ? .unsupportedFormat : .corrupted, "header, \(position)",
                    flip(position))
            }
            let last = try #require(all.last)
            for offset in [0, 4, 8, 16, 24, 40, 48, last.count / 2] {
                let path = try copy("flipped")
                try flip(last.lowerBound + offset)(path)
                let store = try Store(at: path)
                #expect(store.recovery?.foundTornRecord == true)
                #expect(try store.verify().isSound)
                store.close()
            }
        }
    }

    @Test("Missing and foreign files: the log, a segment, the checkpoint, the data file")
    func foreign() throws {
        try cleaning {
            let files = FileManager.default
            try expectRefused(.corrupted, "no segment") {
                try files.removeItem(atPath: $0 + Self.segment)
            }
            // A log of more than one segment, the last of which is away.
            let long = try copy("long")
            var options = StoreOptions()
            options.checkpoints = CheckpointPolicy(
                interval: .seconds(600), dirtyByteCount: 1 << 30, changeCount: 1 << 30)
            let filled = try Store(at: long, options: options)
            while try LogInspection(at: long).segments.count < 3 {
                _ = try filled.write {
                    try $0.put(
                        [
                            "w": "x", "s": "y",
                            "b": .binary((0..<60_000).map { _ in .random(in: 0...255) }),
                        ],
                        in: "t")
                }
            }
            let names = try LogInspection(at: long).segments.map(\.name)
            filled.close()
            try files.removeItem(atPath: long + "/" + (names.last ?? ""))
            #expect(throws: CodexError(.corrupted, "")) { try Store(at: long) }
            try expectRefused(.corrupted, "no checkpoint") {
                try files.removeItem(atPath: $0 + "/checkpoint")
            }
            let other = directory + "/other"
            try Store(at: other, schema: Schema(tables: [CrashWorkload.table])).close()
            for file in [Self.segment, "/checkpoint", "/data.mdb"] {
                try expectRefused(.corrupted, "another store's \(file)") { path in
                    try files.removeItem(atPath: path + file)
                    try files.copyItem(atPath: other + file, toPath: path + file)
                }
            }
            let checkpoint = try bytes(killed.path + "/checkpoint")
            for position in checkpoint.indices {
                try expectRefused(
                    (8..<12).contains(position) ? .unsupportedFormat : .corrupted,
                    "checkpoint, \(position)"
                ) { path in
                    var flipped = checkpoint
                    flipped[position] ^= 1
                    try write(flipped, path + "/checkpoint")
                }
            }
            // A checkpoint of another moment of the same store.
            let later = try copy("later")
            let opened = try Store(at: later)
            _ = try opened.write { try $0.put(["w": "x", "s": "y"], in: "t") }
            opened.close()
            try expectRefused(.corrupted, "a later moment's checkpoint") { path in
                try write(try bytes(later + "/checkpoint"), path + "/checkpoint")
            }
        }
    }

    @Test("Read-only opening refuses where recovery is due, and works after it")
    func readOnly() throws {
        try cleaning {
            let path = try copy("reading")
            #expect(throws: CodexError(.needsRecovery, "")) {
                try Store(at: path, options: StoreOptions(isReadOnly: true))
            }
            let inspection = try LogInspection(at: path)
            #expect(inspection.segments.map(\.commitCount) == [try records(path).count])
            let store = try Store(at: path)
            let report = try #require(store.recovery)
            #expect(report.commitCount > 30 && report.changeCount > report.commitCount)
            store.close()
            let reading = try Store(at: path, options: StoreOptions(isReadOnly: true))
            #expect(try reading.verify().isSound)
            reading.close()
        }
    }
}
