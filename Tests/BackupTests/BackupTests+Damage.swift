import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// Damaged, incomplete and foreign backups and archives: each is refused, and no store is made.
extension BackupTests {
    /// The files that describe a backup and an archive.
    enum ChecksummedJSON: String, CaseIterable {
        case backup = "backup/backup.json"
        case archive = "archive/archive.json"
    }

    private var archive: String { path("archive") }

    /// Makes a backup of commit 10, and an archive of what follows it, up to commit 40.
    @discardableResult
    private func makeBackup() async throws -> TemporaryStore {
        let temporary = try makeStore()
        try await put(0..<10, temporary.store)
        try await temporary.store.backup(to: path("backup"))
        try await put(10..<40, temporary.store, byteCount: 60_000)
        try await temporary.store.archiveLog(to: archive)
        let coverage = try await Store.verifyBackup(path("backup"), archive: archive)
        #expect(coverage.lastSequence == 40)
        return temporary
    }

    /// The archive's files, in their order.
    private func segments() throws -> [String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: archive)
        let segments = names.filter { $0.hasSuffix(".gz") }.sorted()
        #expect(segments.count > 3)
        return segments
    }

    private func expectRefused(
        _ code: CodexError.Code, archive: String? = nil, _ comment: Comment
    ) async throws {
        await #expect(throws: CodexError(code, ""), comment) {
            try await Store.verifyBackup(path("backup"), archive: archive)
        }
        await #expect(throws: CodexError(code, ""), comment) {
            try await Store.restore(path("backup"), archive: archive, at: path("restored"))
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: directory)
        #expect(!names.contains { $0.hasPrefix("restored") }, comment)
    }

    /// Expects that a description is refused, by the backup alone or with the archive.
    private func expectRefused(
        _ code: CodexError.Code, _ label: ChecksummedJSON, _ comment: Comment
    ) async throws {
        try await expectRefused(code, archive: label == .archive ? archive : nil, comment)
    }

    /// Runs a body while a file is another one.
    private func changing(
        _ file: String, _ change: (inout Data) -> Void, _ body: () async throws -> Void
    ) async throws {
        let url = URL(fileURLWithPath: path(file))
        let data = try Data(contentsOf: url)
        var changed = data
        change(&changed)
        try changed.write(to: url)
        try await body()
        try data.write(to: url)
    }

    /// Runs a body while a file is not there.
    private func missing(_ file: String, _ body: () async throws -> Void) async throws {
        let (from, to) = (path(file), path("aside"))
        try FileManager.default.moveItem(atPath: from, toPath: to)
        try await body()
        try FileManager.default.moveItem(atPath: to, toPath: from)
    }

    // MARK: Other directories

    @Test("Another store's archive, or no archive, is refused, and so is a store as a backup")
    func strangers() async throws {
        try await cleaning {
            let (temporary, other) = (try await makeBackup(), try makeStore())
            try await put(0..<10, other.store)
            try await other.store.archiveLog(to: path("others"))
            try await expectRefused(.notAStore, archive: path("others"), "another store's")
            try await expectRefused(.notAStore, archive: path("backup"), "no archive")
            try await expectRefused(.notAStore, archive: path("none"), "no archive at all")
            await #expect(throws: CodexError(.notAStore, "")) {
                try await other.store.archiveLog(to: archive)
            }
            await #expect(throws: CodexError(.notAStore, "")) {
                try await Store.restore(temporary.path, at: path("restored"))
            }
        }
    }

    @Test("Backups and restored stores are made only where nothing is, and not without a parent")
    func targets() async throws {
        try await cleaning {
            let (temporary, other) = (try await makeBackup(), try makeStore())
            try await put(0..<10, other.store)
            try await other.store.backup(to: path("other"))
            for target in ["backup", "archive"] {
                await #expect(throws: CodexError(.invalidArgument, "")) {
                    try await temporary.store.backup(to: path(target))
                }
                await #expect(throws: CodexError(.invalidArgument, "")) {
                    try await Store.restore(path("other"), at: path(target))
                }
            }
            await #expect(throws: CodexError.self) {
                try await temporary.store.backup(to: path("none/backup"))
            }
        }
    }

    @Test("A backup that was not finished is none")
    func unfinished() async throws {
        try await cleaning {
            try await makeBackup()
            try FileManager.default.removeItem(atPath: path("backup/backup.json"))
            try await expectRefused(.notAStore, "not finished")
        }
    }

    // MARK: Damaged files

    @Test("A backup's data is whole: no bit is another, and no page is missing")
    func damagedData() async throws {
        try await cleaning {
            try await makeBackup()
            let seed = UInt64.random(in: 1...1_000_000)
            var random = SplitMix(seed: seed)
            for _ in 0..<30 {
                try await changing("backup/data.mdb") { data in
                    data[random.below(data.count)] ^= UInt8(1 << random.below(8))
                } _: {
                    try await expectRefused(.corrupted, "a flipped bit, seed \(seed)")
                }
            }
            try await changing("backup/data.mdb") {
                $0.removeLast(4096)
            } _: {
                try await expectRefused(.corrupted, "cut off")
            }
        }
    }

    private static let hostileTexts = [
        "", "{}", "[]", #"{"format": 1}"#, "\n\n\n", #"{"format": 1}"# + "\n0\n",
        #"{"format": 1, "storeID": 7}"#,
        String(repeating: "[", count: 60_000), String(repeating: " ", count: 100_000),
    ]

    @Test(
        "A description that is none is refused, and so is a newer release's",
        arguments: ChecksummedJSON.allCases)
    func hostileLabels(label: ChecksummedJSON) async throws {
        try await cleaning {
            try await makeBackup()
            for text in Self.hostileTexts {
                try await changing(label.rawValue) {
                    $0 = Data(text.utf8)
                } _: {
                    try await expectRefused(.corrupted, label, "\(text.prefix(20))")
                }
            }
            try await changing(label.rawValue) {
                $0 = Data(#"{"format": 2}"#.utf8)
            } _: {
                try await expectRefused(.unsupportedFormat, label, "a newer release's")
            }
        }
    }

    @Test("No digit of a description can be another one", arguments: ChecksummedJSON.allCases)
    func damagedLabels(label: ChecksummedJSON) async throws {
        try await cleaning {
            try await makeBackup()
            let text = try String(
                contentsOf: URL(fileURLWithPath: path(label.rawValue)), encoding: .utf8)
            for (place, character) in text.utf8.enumerated()
            where (UInt8(ascii: "0")...UInt8(ascii: "8")).contains(character) {
                if text.utf8.dropFirst(place - 9).starts(with: #""format":1"#.utf8) { continue }
                try await changing(label.rawValue) { data in
                    data[place] += 1
                } _: {
                    try await expectRefused(.corrupted, label, "byte \(place)")
                }
            }
        }
    }

    // MARK: Segments of the archive

    @Test("No segment of an archive is damaged, cut off or missing")
    func damagedSegments() async throws {
        try await cleaning {
            try await makeBackup()
            let seed = UInt64.random(in: 1...1_000_000)
            var random = SplitMix(seed: seed)
            for segment in try segments() {
                for _ in 0..<10 {
                    try await changing("archive/" + segment) { data in
                        // Not in gzip's name, time, system and flag for text, which say nothing.
                        data[10 + random.below(data.count - 10)] ^= UInt8(1 << random.below(8))
                    } _: {
                        try await expectRefused(
                            .corrupted, archive: archive, "a flipped bit, seed \(seed)")
                    }
                }
                try await changing("archive/" + segment) {
                    $0.removeLast($0.count / 2)
                } _: {
                    try await expectRefused(.corrupted, archive: archive, "cut off")
                }
                try await missing("archive/" + segment) {
                    try await expectRefused(.notCovered, archive: archive, "missing: \(segment)")
                }
            }
        }
    }

    @Test("A segment that other data follows is refused, and zeros after it are not")
    func followedSegments() async throws {
        try await cleaning {
            try await makeBackup()
            let segment = try #require(try segments().last)
            for rest in [Data("x".utf8), Data([0x1F, 0x8B])] {
                try await changing("archive/" + segment) {
                    $0.append(rest)
                } _: {
                    try await expectRefused(.corrupted, archive: archive, "other data")
                }
            }
            try await changing("archive/" + segment) {
                $0.append(Data(count: 512))
            } _: {
                let coverage = try await Store.verifyBackup(path("backup"), archive: archive)
                #expect(coverage.lastSequence == 40)
            }
        }
    }

    @Test("A segment in another's place is refused")
    func exchangedSegment() async throws {
        try await cleaning {
            try await makeBackup()
            let segments = try segments()
            let copied = try Data(contentsOf: URL(fileURLWithPath: archive + "/" + segments[0]))
            try await changing("archive/" + segments[1]) {
                $0 = copied
            } _: {
                try await expectRefused(.corrupted, archive: archive, "another number")
            }
        }
    }

    @Test("An archive without its last segment serves up to where it is whole")
    func wholePart() async throws {
        try await cleaning {
            try await makeBackup()
            let segments = try segments()
            try await missing("archive/" + segments[segments.count - 1]) {
                for sequence: UInt64 in [10, 11] {
                    try await Store.restore(
                        path("backup"), archive: archive, to: .sequence(sequence),
                        at: path("earlier-\(sequence)"))
                    #expect(try count(path("earlier-\(sequence)")) == Int(sequence))
                }
                await #expect(throws: CodexError(.notCovered, "")) {
                    try await Store.restore(
                        path("backup"), archive: archive, to: .sequence(40), at: path("later"))
                }
            }
        }
    }
}
