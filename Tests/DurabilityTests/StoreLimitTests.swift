import CodexCore
import CodexStore
import CrashSupport
import Foundation
import TestSupport
import Testing

/// What ends: snapshots, address space, descriptors. Each has a clear error, and the store goes on.
@Suite("Limits of a process", .serialized)
struct StoreLimitTests {
    private let directory: TestDirectory
    private var path: String { directory.path + "/store" }

    init() throws { directory = try TestDirectory() }

    // MARK: Snapshots

    @Test("As many snapshots at once as a process may have, and not one more")
    func snapshots() throws {
        let agent = try DrivenAgent(opening: path, "snapshots=50")
        try agent.must("put s 0 10 100")
        for count in [49, 50, 51, 50] {
            let answer = try agent.ask("hold s \(count)")
            if count > 50 {
                #expect(answer.isError(.tooManyReaders), "\(answer)")
                #expect(answer.text.contains("50"), "the message names the limit")
            } else {
                #expect(answer.code == nil, "\(count): \(answer)")
            }
            // The writer needs none of them.
            try agent.must("put s 0 10 100")
            try agent.must("release s")
        }
    }

    @Test("Many snapshots of many processes leave slots to writers, and give theirs back")
    func slotsOfAll() throws {
        let agents = try (0..<5).map { _ in try DrivenAgent(opening: path, "interval=20") }
        for agent in agents.dropLast() {
            #expect(try agent.ask("hold s 1001").isError(.tooManyReaders))
            try agent.must("hold s 1000")
        }
        // Their sum is more than LMDB has.
        let last = agents[4]
        #expect(try last.ask("hold s 1000").isError(.tooManyReaders))
        // Writers and their checkpoints have slots of their own.
        for _ in 0..<3 {
            for agent in agents { try agent.must("put s 0 10 100") }
        }
        for agent in agents.dropLast() { try agent.must("release s") }
        try last.must("hold s 1000")
        #expect(try agents[0].must("verify s").text == "sound")
    }

    // MARK: Address space

    @Test("A store that has filled its map says so before it appends; opening it again cures it")
    func smallMap() throws {
        var options = StoreOptions()
        options.mapByteCount = 8 << 20
        let store = try Store(at: path, schema: NumberedItems.schema(), options: options)
        var (count, code): (Int, CodexError.Code?) = (0, nil)
        while code == nil, count < 1000 {
            do {
                try NumberedItems.put(count..<count + 1, byteCount: 100_000, in: store)
                count += 1
            } catch {
                code = (error as? CodexError)?.code
            }
        }
        #expect(code == .storeFull)
        // A view is where it was.
        try store.read { snapshot in
            let state = try NumberedItems.state(snapshot)
            #expect(state.numbers == Set(0..<count))
            #expect(throws: CodexError(.storeFull, "")) {
                try NumberedItems.put(5000..<5010, byteCount: 300_000, in: store)
            }
            let again = try NumberedItems.state(snapshot)
            #expect(again == state)
        }
        #expect(try store.verify().isSound)
        let logged = try LogInspection(at: path).segments.map(\.commitCount).reduce(0, +)
        let sequence = try store.stats().sequence
        #expect(UInt64(logged) == sequence, "nothing was appended")
        store.close()
        let reopened = try Store(at: path)
        try NumberedItems.put(count..<count + 100, byteCount: 100_000, in: reopened)
        reopened.close()
        #expect(try NumberedItems.numbers(at: path) == Set(0..<count + 100))
    }

    @Test("A store that another process made larger than this one's map: this one is told so")
    func differentMaps() throws {
        var options = StoreOptions()
        options.mapByteCount = 8 << 20
        let small = try Store(at: path, schema: NumberedItems.schema(), options: options)
        try NumberedItems.put(0..<10, byteCount: 1000, in: small)
        let large = try DrivenAgent(opening: path, "schema=no")
        try small.read { snapshot in
            let state = try NumberedItems.state(snapshot)
            try large.must("put s 10 150 100000")
            let again = try NumberedItems.state(snapshot)
            #expect(again == state)
        }
        #expect(throws: CodexError(.storeFull, "")) { try NumberedItems.state(small) }
        #expect(throws: CodexError(.storeFull, "")) {
            try NumberedItems.put(500..<501, byteCount: 1000, in: small)
        }
        small.close()
        // The other one writes on, beside one with room enough.
        let reopened = try Store(at: path)
        #expect(try NumberedItems.state(reopened).numbers == Set(0..<160))
        try large.must("put s 160 10 1000")
        try NumberedItems.put(170..<180, byteCount: 1000, in: reopened)
        large.quit()
        reopened.close()
        #expect(try NumberedItems.numbers(at: path) == Set(0..<180))
    }

    // MARK: Descriptors

    @Test("Without descriptors opening fails by name, and the stores that are open go on")
    func descriptors() throws {
        let agent = try DrivenAgent()
        try agent.must("descriptors 60")
        var (count, answer) = (0, try agent.ask("open s0 \(path)0"))
        while answer.code == nil, count < 60 {
            count += 1
            answer = try agent.ask("open s\(count) \(path)\(count)")
        }
        #expect(answer.isError(.limitReached), "\(answer)")
        #expect(count > 1)
        // Checkpoints need some.
        try agent.must("descriptors 64")
        for number in 0..<count { try agent.must("put s\(number) 0 10 1000") }
        // With more of them, the one that failed opens.
        try agent.must("descriptors 0")
        try agent.must("open s\(count) \(path)\(count)")
        try agent.must("put s\(count) 0 10 1000")
        agent.quit()
        for number in 0...count {
            #expect(try NumberedItems.numbers(at: "\(path)\(number)") == Set(0..<10))
        }
    }
}
