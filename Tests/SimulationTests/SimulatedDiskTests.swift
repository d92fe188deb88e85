import Foundation
import Simulation
import Testing

#if os(Linux)
    import SimulatedCalls
#endif

/// A disk in a directory of its own, whose journal a test makes by hand.
private final class Bench {
    private let path: String
    var disk: SimulatedDisk
    /// The number of the tree's root.
    let root: UInt64
    private var treeCount = 0
    /// Files that a journal makes have numbers that the start has not.
    private var lastNumber = UInt64.max / 2

    /// Begins with a tree that `make` makes in a directory.
    init(_ make: (String) throws -> Void = { _ in }) throws {
        path = NSTemporaryDirectory() + "/codex-disk-\(UUID().uuidString)"
        let start = path + "/start"
        try FileManager.default.createDirectory(
            atPath: start, withIntermediateDirectories: true)
        try make(start)
        root = try #require(Self.number(start))
        disk = try SimulatedDisk(of: start)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    static func number(_ path: String) -> UInt64? {
        var info = stat()
        return lstat(path, &info) == 0 ? UInt64(info.st_ino) : nil
    }

    // MARK: Calls

    func apply(_ kind: JournalRecord.Kind, _ file: UInt64, _ fill: (inout JournalRecord) -> Void) {
        var record = JournalRecord(kind, file: file)
        fill(&record)
        disk.apply(record)
    }

    func create(_ name: String, in directory: UInt64? = nil) -> UInt64 {
        lastNumber += 1
        let number = lastNumber
        create(name, in: directory, as: number)
        return number
    }

    func create(_ name: String, in directory: UInt64? = nil, as number: UInt64) {
        apply(.create, directory ?? root) { ($0.name, $0.other) = (name, number) }
    }

    func makeDirectory(_ name: String, in directory: UInt64? = nil) -> UInt64 {
        lastNumber += 1
        let number = lastNumber
        apply(.makeDirectory, directory ?? root) { ($0.name, $0.other) = (name, number) }
        return number
    }

    func write(_ bytes: [UInt8], to file: UInt64, at offset: Int, flags: JournalRecord.Flags = []) {
        apply(.write, file) {
            ($0.offset, $0.length, $0.data) = (offset, bytes.count, Data(bytes))
            $0.flags = flags
        }
    }

    func write(
        _ byte: UInt8, _ count: Int, to file: UInt64, at offset: Int = 0,
        flags: JournalRecord.Flags = []
    ) {
        write([UInt8](repeating: byte, count: count), to: file, at: offset, flags: flags)
    }

    func flush(_ file: UInt64, error: UInt32 = 0) { apply(.flush, file) { $0.error = error } }

    func flushNames(_ directory: UInt64? = nil, error: UInt32 = 0) {
        apply(.flushNames, directory ?? root) { $0.error = error }
    }

    func rename(
        _ name: String, to other: String, from directory: UInt64? = nil, in target: UInt64? = nil,
        flags: JournalRecord.Flags = []
    ) {
        apply(.rename, directory ?? root) {
            ($0.name, $0.otherName) = (name, other)
            $0.other = target ?? root
            $0.flags = flags
        }
    }

    func remove(_ name: String) { apply(.remove, root) { $0.name = name } }

    /// A file with content that is on the disk, name and all.
    func safeFile(_ name: String, _ byte: UInt8, _ count: Int) -> UInt64 {
        let file = create(name)
        write(byte, count, to: file)
        flush(file)
        flushNames()
        return file
    }

    // MARK: Power cuts

    /// The files after a power cut, by their paths in the tree.
    func files(_ cut: PowerCut, seed: UInt64 = 1) throws -> [String: [UInt8]] {
        let tree = try self.tree(cut, seed: seed)
        defer { try? FileManager.default.removeItem(atPath: tree) }
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: tree) {
            let bytes = FileManager.default.contents(atPath: tree + "/" + name)
            files[name] = bytes.map { [UInt8]($0) }
        }
        return files
    }

    func tree(_ cut: PowerCut, seed: UInt64 = 1) throws -> String {
        treeCount += 1
        let tree = path + "/after\(treeCount)"
        var stream = SeededStream(seed: seed, .disk)
        try disk.write(to: tree, after: cut, &stream)
        return tree
    }

    /// The files after power cuts of many seeds.
    func cuts(_ count: UInt64 = 200) throws -> [[String: [UInt8]]] {
        try (0..<count).map { try files(.byChance, seed: $0) }
    }
}

@Suite("What a simulated disk has after a power cut")
struct SimulatedDiskTests {
    // MARK: The journal

    #if os(Linux)
        @Test("Records have the form of the C side")
        func layout() {
            #expect(MemoryLayout<simulated_record>.size == 64)
            #expect(JournalRecord.Kind.create.rawValue == UInt32(SIMULATED_CREATE))
            #expect(JournalRecord.Kind.write.rawValue == UInt32(SIMULATED_WRITE))
            #expect(JournalRecord.Kind.flush.rawValue == UInt32(SIMULATED_FLUSH))
            #expect(JournalRecord.Kind.flushNames.rawValue == UInt32(SIMULATED_FLUSH_NAMES))
            #expect(JournalRecord.Kind.resize.rawValue == UInt32(SIMULATED_RESIZE))
            #expect(JournalRecord.Kind.allocate.rawValue == UInt32(SIMULATED_ALLOCATE))
            #expect(JournalRecord.Kind.rename.rawValue == UInt32(SIMULATED_RENAME))
            #expect(JournalRecord.Kind.remove.rawValue == UInt32(SIMULATED_REMOVE))
            #expect(JournalRecord.Kind.makeDirectory.rawValue == UInt32(SIMULATED_MAKE_DIRECTORY))
            #expect(JournalRecord.Flags.through.rawValue == UInt32(SIMULATED_THROUGH))
            #expect(JournalRecord.Flags.link.rawValue == UInt32(SIMULATED_LINK))
            #expect(JournalRecord.Flags.exchange.rawValue == UInt32(SIMULATED_EXCHANGE))
        }
    #endif

    @Test("A journal reads as it was written, and a last record that is not whole is left out")
    func journal() throws {
        var record = JournalRecord(.rename, file: 7)
        (record.process, record.error, record.other) = (3, 5, 1 << 40)
        (record.offset, record.length) = (1 << 33, 12)
        (record.name, record.otherName) = ("a.new", "a")
        (record.flags, record.data) = (.exchange, Data([1, 2, 3]))
        let bytes = record.encoded + JournalRecord(.flush, file: 9).encoded
        var place = 0
        let first = try JournalRecord(bytes, at: &place)
        #expect(first == record)
        var torn = place
        let second = try JournalRecord(bytes, at: &place)
        #expect(second == JournalRecord(.flush, file: 9))
        #expect(place == bytes.count)
        let end = try JournalRecord(bytes, at: &place)
        #expect(end == nil)
        let last = try JournalRecord(bytes.dropLast(), at: &torn)
        #expect(last == nil)
        var wrong = bytes
        wrong[4] = 99
        #expect(throws: DiskError.self) {
            var place = 0
            _ = try JournalRecord(wrong, at: &place)
        }
    }

    // MARK: Files

    @Test("What was flushed is always there")
    func flushed() throws {
        let bench = try Bench()
        let file = bench.safeFile("a", 1, 5000)
        bench.write(2, 100, to: file, at: 5000)
        bench.write(3, 100, to: bench.create("b"))
        for files in try bench.cuts() {
            let bytes = try #require(files["a"])
            #expect(bytes.prefix(5000) == [UInt8](repeating: 1, count: 5000)[...])
        }
    }

    @Test("What was not flushed may be there, gone, or there in some sectors")
    func torn() throws {
        let bench = try Bench()
        let file = bench.safeFile("a", 1, 4096)
        bench.write(2, 2048, to: file, at: 1024)
        var seen: Set<String> = []
        for files in try bench.cuts() {
            let bytes = try #require(files["a"])
            #expect(bytes.count == 4096)
            var written = 0
            for start in stride(from: 0, to: 4096, by: 512) {
                let sector = Set(bytes[start..<start + 512])
                #expect(sector.count == 1, "a sector has old and new bytes")
                if (1024..<3072).contains(start) {
                    written += sector == [2] ? 1 : 0
                } else {
                    #expect(sector == [1])
                }
            }
            seen.insert(written == 0 ? "gone" : written == 4 ? "there" : "torn")
        }
        #expect(seen == ["gone", "there", "torn"])
    }

    @Test("A later write may be there without an earlier one, but not in the same sector")
    func order() throws {
        let bench = try Bench()
        let file = bench.safeFile("a", 0, 2048)
        bench.write(1, 100, to: file, at: 0)
        bench.write(2, 100, to: file, at: 100)
        bench.write(3, 100, to: file, at: 1024)
        var isReordered = false
        for files in try bench.cuts() {
            let bytes = try #require(files["a"])
            if bytes[100] == 2 { #expect(bytes[0] == 1) }
            if bytes[1024] == 3, bytes[0] == 0 { isReordered = true }
        }
        #expect(isReordered)
    }

    @Test("A flush that failed makes nothing safe, and no later flush does")
    func failedFlush() throws {
        let bench = try Bench()
        let file = bench.safeFile("a", 0, 2048)
        bench.write(1, 512, to: file, at: 0)
        bench.flush(file, error: 5)
        bench.write(2, 512, to: file, at: 512)
        bench.flush(file)
        let cuts = try bench.cuts()
        #expect(Set(cuts.map { $0["a"]?[0] }) == [0, 1])
        #expect(cuts.allSatisfy { $0["a"]?[512..<1024] == [UInt8](repeating: 2, count: 512)[...] })
        // The sector is written again, with all that is in it.
        bench.write(3, 8, to: file, at: 504)
        bench.flush(file)
        #expect(try bench.cuts().allSatisfy { $0["a"]?[0] == 1 && $0["a"]?[504] == 3 })
    }

    @Test("A write through is safe by itself, and what was written before is not")
    func through() throws {
        let bench = try Bench()
        let file = bench.safeFile("a", 0, 2048)
        bench.write(1, 512, to: file, at: 0)
        bench.write(2, 512, to: file, at: 1024, flags: .through)
        let cuts = try bench.cuts()
        #expect(Set(cuts.map { $0["a"]?[0] }) == [0, 1])
        #expect(cuts.allSatisfy { $0["a"]?[1024] == 2 })
    }

    @Test("A length may be lost, and comes in the order in which it changed")
    func lengths() throws {
        let bench = try Bench()
        let file = bench.safeFile("a", 1, 1000)
        bench.apply(.allocate, file) { ($0.offset, $0.length) = (0, 3000) }
        bench.apply(.resize, file) { $0.length = 2000 }
        let cuts = try bench.cuts()
        #expect(Set(cuts.map { $0["a"]?.count }) == [1000, 3000, 2000])
        for files in cuts {
            let bytes = try #require(files["a"])
            #expect(bytes.prefix(1000).allSatisfy { $0 == 1 })
            #expect(bytes.dropFirst(1000).allSatisfy { $0 == 0 })
        }
        bench.flush(file)
        #expect(try bench.cuts(20).allSatisfy { $0["a"]?.count == 2000 })
    }

    @Test("A file that was cut has zeros where it grows again")
    func cutFile() throws {
        let bench = try Bench()
        let file = bench.safeFile("a", 1, 3000)
        bench.apply(.resize, file) { $0.length = 700 }
        bench.write(2, 100, to: file, at: 2000)
        var expected = [UInt8](repeating: 0, count: 2100)
        expected.replaceSubrange(0..<700, with: repeatElement(1, count: 700))
        expected.replaceSubrange(2000..<2100, with: repeatElement(2, count: 100))
        #expect(try bench.files(.everything)["a"] == expected)
        #expect(try bench.files(.onlyFlushed)["a"] == [UInt8](repeating: 1, count: 3000))
        let lengths = Set(try bench.cuts().map { $0["a"]?.count })
        #expect(lengths.isSubset(of: [3000, 700, 2100]))
        bench.flush(file)
        #expect(try bench.cuts(20).allSatisfy { $0["a"] == expected })
    }

    @Test("With everything it is the file, and with nothing unflushed it is as it was flushed last")
    func model() throws {
        for seed in 0..<20 as Range<UInt64> {
            var stream = SeededStream(seed: seed, .program)
            let bench = try Bench()
            let file = bench.create("a")
            bench.flushNames()
            var now: [UInt8] = []
            var flushed: [UInt8] = []
            func grow(_ count: Int) {
                if now.count < count { now += [UInt8](repeating: 0, count: count - now.count) }
            }
            for step in 1...60 {
                let offset = stream.below(200_000)
                let count = 1 + stream.below(5000)
                switch stream.below(10) {
                case 0:
                    bench.flush(file)
                    flushed = now
                case 1:
                    bench.apply(.resize, file) { $0.length = offset }
                    grow(offset)
                    now.removeLast(now.count - offset)
                case 2:
                    bench.apply(.allocate, file) { ($0.offset, $0.length) = (offset, count) }
                    grow(offset + count)
                default:
                    let byte = UInt8(truncatingIfNeeded: step)
                    bench.write(byte, count, to: file, at: offset)
                    grow(offset + count)
                    now.replaceSubrange(
                        offset..<offset + count, with: repeatElement(byte, count: count))
                }
            }
            #expect(try bench.files(.everything)["a"] == now)
            #expect(try bench.files(.onlyFlushed)["a"] == flushed)
        }
    }

    @Test("A number that the system uses again is of another file")
    func reusedNumber() throws {
        let bench = try Bench()
        let file = bench.safeFile("a", 1, 100)
        bench.remove("a")
        bench.create("b", as: file)
        bench.write(2, 50, to: file)
        bench.flush(file)
        bench.flushNames()
        #expect(try bench.files(.onlyFlushed) == ["b": [UInt8](repeating: 2, count: 50)])
    }

    // MARK: Names

    @Test("Of changes of names the first ones are there, and those before a flush")
    func names() throws {
        let bench = try Bench()
        for name in ["a", "b", "c"] { _ = bench.create(name) }
        bench.remove("a")
        var seen: Set<[String]> = []
        for files in try bench.cuts() { seen.insert(files.keys.sorted()) }
        #expect(seen == [[], ["a"], ["a", "b"], ["a", "b", "c"], ["b", "c"]])
        bench.flushNames(error: 5)
        #expect(try bench.files(.onlyFlushed).isEmpty)
        bench.flushNames()
        _ = bench.create("d")
        seen = []
        for files in try bench.cuts() { seen.insert(files.keys.sorted()) }
        #expect(seen == [["b", "c"], ["b", "c", "d"]])
    }

    @Test("A file that was flushed may be gone with its name")
    func unnamed() throws {
        let bench = try Bench()
        let file = bench.create("a")
        bench.write(1, 100, to: file)
        bench.flush(file)
        let cuts = try bench.cuts()
        let whole = [UInt8](repeating: 1, count: 100)
        #expect(Set(cuts.map { $0["a"] }) == [nil, whole])
        #expect(try bench.files(.onlyFlushed).isEmpty)
    }

    @Test("A file in place of another is one of the two")
    func replaced() throws {
        let bench = try Bench()
        _ = bench.safeFile("a", 1, 100)
        let new = bench.create("a.new")
        bench.write(2, 100, to: new)
        bench.flush(new)
        bench.rename("a.new", to: "a")
        let cuts = try bench.cuts()
        let (old, whole) = ([UInt8](repeating: 1, count: 100), [UInt8](repeating: 2, count: 100))
        #expect(Set(cuts.map { $0["a"] }) == [old, whole])
        bench.flushNames()
        #expect(try bench.cuts(20).allSatisfy { $0 == ["a": whole] })
    }

    @Test("A rename to another directory is in both or in neither")
    func moved() throws {
        let bench = try Bench()
        let directory = bench.makeDirectory("d")
        _ = bench.safeFile("a", 1, 10)
        bench.rename("a", to: "b", in: directory)
        let bytes = [UInt8](repeating: 1, count: 10)
        let cuts = try bench.cuts()
        #expect(Set(cuts) == [["a": bytes], ["d/b": bytes]])
        bench.flushNames(directory)
        #expect(try bench.cuts(20).allSatisfy { $0 == ["d/b": bytes] })
    }

    @Test("A directory has its names only if its own name is there")
    func directories() throws {
        let bench = try Bench()
        let directory = bench.makeDirectory("d")
        let file = bench.create("a", in: directory)
        bench.write(1, 10, to: file)
        bench.flush(file)
        bench.flushNames(directory)
        #expect(try bench.files(.onlyFlushed).isEmpty)
        bench.flushNames()
        let bytes = [UInt8](repeating: 1, count: 10)
        #expect(try bench.cuts(20).allSatisfy { $0 == ["d/a": bytes] })
    }

    @Test("Names are exchanged, and a file may have two")
    func links() throws {
        let bench = try Bench()
        let first = bench.safeFile("a", 1, 10)
        _ = bench.safeFile("b", 2, 10)
        bench.rename("a", to: "b", flags: .exchange)
        bench.apply(.create, bench.root) {
            ($0.name, $0.other, $0.flags) = ("c", first, .link)
        }
        bench.flushNames()
        let (ones, twos) = ([UInt8](repeating: 1, count: 10), [UInt8](repeating: 2, count: 10))
        #expect(try bench.files(.onlyFlushed) == ["a": twos, "b": ones, "c": ones])
        let tree = try bench.tree(.everything)
        #expect(Bench.number(tree + "/b") == Bench.number(tree + "/c"))
        #expect(bench.disk.foreignCount == 0)
    }

    // MARK: Trees

    @Test("What was there at the start is on the disk, with its modes and second names")
    func start() throws {
        let bench = try Bench { path in
            try FileManager.default.createDirectory(
                atPath: path + "/d", withIntermediateDirectories: false)
            // Zeros at the end, as of a log that has room.
            var bytes = Data(repeating: 7, count: 200_000)
            bytes.append(Data(count: 300_000))
            try bytes.write(to: URL(fileURLWithPath: path + "/d/a"))
            chmod(path + "/d/a", 0o640)
            try FileManager.default.linkItem(atPath: path + "/d/a", toPath: path + "/b")
        }
        let tree = try bench.tree(.byChance)
        let bytes = FileManager.default.contents(atPath: tree + "/d/a")
        #expect(bytes?.count == 500_000)
        #expect(bytes?.prefix(200_000) == Data(repeating: 7, count: 200_000))
        #expect(bytes?.suffix(300_000) == Data(count: 300_000))
        #expect(Bench.number(tree + "/d/a") == Bench.number(tree + "/b"))
        var info = stat()
        #expect(lstat(tree + "/b", &info) == 0)
        #expect(info.st_mode & 0o777 == 0o640)
    }

    @Test("The same seed gives the same tree, and another gives another")
    func seeds() throws {
        let bench = try Bench()
        for name in ["a", "b", "c", "d"] {
            let file = bench.create(name)
            for place in 0..<10 { bench.write(UInt8(place), 700, to: file, at: place * 650) }
        }
        #expect(try bench.files(.byChance, seed: 5) == bench.files(.byChance, seed: 5))
        let trees = Set(try bench.cuts(20))
        #expect(trees.count > 10)
    }

    @Test("A disk that was written is the start of the next one")
    func next() throws {
        let bench = try Bench()
        _ = bench.safeFile("a", 1, 100)
        let tree = try bench.tree(.everything)
        let journal = tree + ".journal"
        var record = JournalRecord(.write, file: try #require(Bench.number(tree + "/a")))
        (record.offset, record.length, record.data) = (50, 100, Data(repeating: 2, count: 100))
        try record.encoded.write(to: URL(fileURLWithPath: journal))
        var disk = try SimulatedDisk(of: tree)
        try disk.read(journal: journal)
        var stream = SeededStream(seed: 1, .disk)
        let losses = try disk.write(to: tree + ".next", after: .everything, &stream)
        #expect(losses == DiskLosses())
        let bytes = FileManager.default.contents(atPath: tree + ".next/a")
        #expect(bytes == Data(repeating: 1, count: 50) + Data(repeating: 2, count: 100))
        #expect(try disk.write(to: tree + ".old", after: .onlyFlushed, &stream).droppedCount == 1)
    }
}
