import CodexCore
import CodexStore
import CodexTesting
import Foundation
import PlantedFaults
import SimulatedCalls

extension SimulatedProcess {
    /// Opens the store, or creates it.
    func open(_ command: Command) throws -> Answer {
        guard self.store == nil else { throw ProtocolFault(message: "a store is open already") }
        let path = try command.need(command.path, "path")
        let options = try self.options(command)
        let schema = command.keepSchema == true ? nil : Items.schema
        let store = try Store(at: path, schema: schema, options: options)
        do {
            let isFollower = try store.followerState() != nil
            let sequence = try newestSequence(of: store)
            let answer: Answer = [
                "recovered": .bool(store.recovery != nil),
                "commits": .int(store.recovery?.commitCount ?? 0),
                "follower": .bool(isFollower), "sequence": .count(sequence),
            ]
            self.store = store
            return answer
        } catch {
            store.close()
            throw error
        }
    }

    /// Closes the store, if one is open.
    ///
    /// The snapshot that the process holds stays: it must have ended.
    func close() -> Answer {
        store?.close()
        (store, cache, observer) = (nil, nil, nil)
        return [:]
    }

    // MARK: Options

    private func options(_ command: Command) throws -> StoreOptions {
        var options = StoreOptions(isReadOnly: command.readOnly ?? false)
        setFixed(&options)
        setBounds(
            &options, dirtyByteCount: command.dirtyBytes, segmentByteCount: command.segmentBytes)
        if let durability = command.durability?.durability { options.durability = durability }
        if let seconds = command.confirmationSeconds {
            options.clockConfirmation = .seconds(seconds)
        }
        if let byteCount = command.retainedBytes { options.changeRetention.byteCount = byteCount }
        if let seconds = command.retainedSeconds { options.changeRetention.age = .seconds(seconds) }
        plantedRead = command.plant.flatMap { PlantedRead(rawValue: $0) }
        if let name = command.plant, plantedRead == nil {
            guard let fault = PlantedFault(rawValue: name) else {
                throw ProtocolFault(message: "no planted fault is called \(name)")
            }
            options.plant(fault)
        }
        // Copies have the planted fault, too.
        copyOptions = options
        copyOptions.isReadOnly = false
        return options
    }

    /// Sets what is the same for all stores of the process.
    func setFixed(_ options: inout StoreOptions) {
        let random = random
        options.use(clock)
        options.parts.randomBits = { random.next() }
        // The clock is trusted at once, and expired items go by commands alone.
        options.clockConfirmation = .zero
        options.sweepInterval = nil
        // So small that a build of some items has several steps.
        options.parts.builds = BuildsOnDemand(entryCountMax: 2) {
            #if os(Linux)
                simulated_turn()
            #endif
        }
        // Real time, in which the process with the lock gets turns, too: longer than any history.
        options.lockTimeout = .seconds(600)
        options.mapByteCount = 1 << 30
        options.changeRetention = ChangeRetention(age: .seconds(100 * year), byteCount: .max)
    }

    /// Sets when checkpoints are due, and how large segments are.
    func setBounds(
        _ options: inout StoreOptions, dirtyByteCount: Int?, segmentByteCount: Int?
    ) {
        let dirtyByteCount = max(1, dirtyByteCount ?? 1 << 40)
        options.checkpoints = CheckpointPolicy(
            interval: .seconds(year), dirtyByteCount: dirtyByteCount, changeCount: .max,
            maximumDirtyBytes: min(dirtyByteCount, 1 << 40) * 4)
        // Of a small store, a quarter of its size would be less.
        options.leastDirtyByteCount = dirtyByteCount
        // The simulated disk knows no call between a write and a flush.
        options.writebackByteCount = 0
        // The first segment of a log has 256 KiB all the same.
        options.logSegmentByteCountMax = max(16 << 10, segmentByteCount ?? 64 << 10)
    }

    private var year: Int { 365 * 86_400 }
}
