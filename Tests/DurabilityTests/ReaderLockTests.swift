import CodexCore
import CodexStore
import CrashSupport
import Foundation
import TestSupport
import Testing

/// Processes know of each other's readers and writers, whatever a host does to LMDB's locks.
@Suite("Locks of several processes", .serialized)
struct ReaderLockTests {
    private let directory: TestDirectory
    private var path: String { directory.path + "/store" }

    init() throws { directory = try TestDirectory() }

    // MARK: Closing lock.mdb in the process

    @Test("A snapshot stays as it is when the process opens and closes lock.mdb")
    func snapshot() throws {
        let reader = try DrivenAgent(opening: path, "interval=20")
        try reader.must("put s 0 1000 500 1000")
        try reader.must("checkpoint s")
        let state = try reader.must("hold s").text
        #expect(state == "1000 of versions [0]")
        try reader.must("touch \(path)/lock.mdb")
        let writer = try DrivenAgent(opening: path, "interval=20 schema=no")
        for version in 1...8 {
            if version == 3 { try reader.must("touch \(path)/lock.mdb") }
            try writer.must("put s 0 1000 500 1000 \(version)")
            // What is checkpointed lets go of what came before.
            try writer.must("checkpoint s")
            #expect(try reader.must("look s").text == state)
        }
        try reader.must("release s")
        #expect(try reader.must("state s").text == "1000 of versions [8]")
        #expect(try reader.must("verify s").text == "sound")
    }

    @Test("Two processes write one after the other when one opens and closes lock.mdb")
    func writers() throws {
        let first = try DrivenAgent(opening: path)
        try first.must("increment s 10")
        try first.must("touch \(path)/lock.mdb")
        let second = try DrivenAgent(opening: path, "schema=no")
        try second.must("touch \(path)/lock.mdb")
        for agent in [first, second] { agent.tell("increment s 300") }
        let third = try DrivenAgent(opening: path, "schema=no")
        third.tell("increment s 100")
        for agent in [first, second, third] { #expect(try agent.answer().code == nil) }
        #expect(try third.must("count s").number == 710)
        for agent in [first, second, third] { agent.quit() }
        #expect(try NumberedItems.numbers(at: path).isEmpty)
    }

    @Test("A killed process's pins go, those of the living stay, though they close lock.mdb")
    func pins() throws {
        let living = try DrivenAgent(opening: path)
        try living.must("put s 0 100 100 100")
        try living.must("hold s")
        try living.must("touch \(path)/lock.mdb")
        let killed = try DrivenAgent(opening: path, "schema=no")
        try killed.must("hold s")
        let (process, slots) = (killed.processID, ReaderSlots(of: path))
        #expect(try slots.count(of: process) > 0)
        killed.kill()
        let opener = try DrivenAgent(opening: path, "schema=no")
        #expect(try slots.count(of: process) == 0)
        #expect(try slots.count(of: living.processID) > 0)
        try opener.must("put s 0 100 100 100 1")
        #expect(try living.must("look s").text == "100 of versions [0]")
    }

    // MARK: Numbers of processes

    @Test("The slots of a killed process that had this one's number are freed")
    func ownNumber() throws {
        let other = try DrivenAgent(opening: path)
        try other.must("put s 0 100 100 100")
        let slots = ReaderSlots(of: path)
        let stale = ReaderSlots.Slot(processID: getpid(), snapshot: 1)
        for _ in 0..<3 { try slots.add(stale) }
        #expect(try slots.read().contains(stale))
        let store = try Store(at: path)
        defer { store.close() }
        #expect(try !slots.read().contains(stale))
        #expect(try NumberedItems.state(store).numbers.count == 100)
        // Its own locks hold, though its number was there already.
        try other.must("put s 0 100 100 100 1")
        try NumberedItems.put(0..<100, byteCount: 100, version: 2, in: store)
        #expect(try other.must("state s").text == "100 of versions [2]")
    }

    // MARK: Forks

    @Test("A child without exec keeps nobody from opening the store alone")
    func child() throws {
        let parent = try DrivenAgent(opening: path)
        try parent.must("put s 0 20 100")
        let child = Int32(try parent.must("fork s").number)
        defer { kill(child, SIGKILL) }
        #expect(child > 0)
        try parent.must("put s 20 20 100")
        // The parent's locks are its own still.
        let other = try DrivenAgent()
        #expect(try other.must("open s \(path) schema=no").text == "joined")
        other.quit()
        parent.kill()
        #expect(kill(child, 0) == 0, "the child lives")
        let next = try DrivenAgent()
        #expect(try next.must("open s \(path) schema=no").text == "alone")
        try next.must("put s 40 20 100")
        next.quit()
        #expect(try NumberedItems.numbers(at: path) == Set(0..<60))
    }

    @Test("A child without exec is refused what the parent has open, and the parent goes on")
    func useInChild() throws {
        let parent = try DrivenAgent(opening: path)
        try parent.must("put s 0 20 100")
        #expect(try parent.must("child s").text == "both")
        try parent.must("put s 20 20 100")
        let other = try DrivenAgent(opening: path, "schema=no")
        try other.must("put s 40 20 100")
        for agent in [parent, other] { agent.quit() }
        #expect(try NumberedItems.numbers(at: path) == Set(0..<60))
    }

    // MARK: Ending processes

    /// A lock that an ended process still has, while the kernel has released its others.
    enum RemainingLock: CaseIterable {
        case lease, leaseOfOpener, data, environment

        var file: String {
            switch self {
            case .lease, .leaseOfOpener: "lease.lock"
            case .data: "data.mdb"
            case .environment: "lock.mdb"
            }
        }

        func take(_ descriptor: Int32) -> Bool {
            guard self != .environment else { return change(descriptor, F_RDLCK) }
            return flock(descriptor, self == .leaseOfOpener ? LOCK_EX : LOCK_SH) == 0
        }

        func release(_ descriptor: Int32) -> Bool {
            guard self == .environment else { return flock(descriptor, LOCK_UN) == 0 }
            return change(descriptor, F_UNLCK)
        }

        private func change(_ descriptor: Int32, _ kind: Int32) -> Bool {
            var lock = flock()
            lock.l_type = Int16(kind)
            lock.l_whence = Int16(SEEK_SET)
            lock.l_len = 1
            // F_OFD_SETLK of fcntl.h.
            return fcntl(descriptor, 37, &lock) == 0
        }
    }

    @Test(
        "An opening waits for the last lock of an ending process", arguments: RemainingLock.allCases
    )
    func endingProcess(remaining: RemainingLock) throws {
        let agent = try DrivenAgent(opening: path)
        try agent.must("put s 0 20 100")
        agent.kill()
        let descriptor = open(path + "/" + remaining.file, O_RDWR)
        defer { close(descriptor) }
        #expect(remaining.take(descriptor))
        let retryCount = Locked(0)
        var options = StoreOptions()
        options.parts.locksRetried = { () throws(CodexError) in
            let count = retryCount.withLock { count in
                count += 1
                return count
            }
            if count == 3 { #expect(remaining.release(descriptor)) }
        }
        let store = try Store(at: path, options: options)
        defer { store.close() }
        #expect(retryCount.withLock { $0 } == 3)
        #expect(store.recovery != nil)
    }

    // MARK: Frozen processes

    private func expectTimeout(_ answer: DrivenAgent.Answer, names agent: DrivenAgent) {
        #expect(answer.isError(.lockTimeout), "\(answer)")
        #expect(answer.text.contains("\(agent.processID)"), "\(answer)")
    }

    @Test("Opening waits for a frozen opener as long as it is told, and names it")
    func frozenGate() throws {
        let frozen = try DrivenAgent()
        frozen.tell("open s \(path) stop=recoveryBegun")
        #expect(frozen.waitUntilStopped())
        let other = try DrivenAgent()
        expectTimeout(try other.ask("open s \(path) schema=no wait=100"), names: frozen)
        frozen.resume()
        #expect(try frozen.answer().text == "alone")
        try frozen.must("put s 0 20 100")
        #expect(try other.must("open s \(path) schema=no wait=30000").text == "joined")
        try other.must("put s 20 20 100")
        for agent in [frozen, other] { agent.quit() }
        #expect(try NumberedItems.numbers(at: path) == Set(0..<40))
    }

    @Test("A write that needs a checkpoint waits for a frozen process's as long as it is told")
    func frozenCheckpoint() throws {
        let frozen = try DrivenAgent(opening: path, "interval=20 stop=checkpointWritten")
        // One transaction: it has ended when the checkpoint begins.
        frozen.tell("put s 0 20 100 20")
        #expect(frozen.waitUntilStopped())
        let other = try DrivenAgent(opening: path, "schema=no wait=100")
        #expect(try other.must("state s").number == 20)
        // It has no pin yet, and the checkpoint lacks the last commit.
        expectTimeout(try other.ask("put s 20 20 100"), names: frozen)
        frozen.resume()
        #expect(try frozen.answer().number == 20)
        try other.must("put s 20 20 100")
        try frozen.must("put s 40 20 100")
        for agent in [frozen, other] { agent.quit() }
        #expect(try NumberedItems.numbers(at: path) == Set(0..<60))
    }
}
