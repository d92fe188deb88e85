internal import Foundation

/// Makes programs from seeds.
package struct ProgramGenerator {
    private var chance: SeededStream
    private var now = ProgramGenerator.start
    /// How far the clock of each process is ahead.
    private var clockOffsets: [Int]
    /// The operation of the program that wrote an item last, if all succeeded.
    private var writers: [ItemKey: Int] = [:]
    private var orders = OrderGenerator()
    private let processCount: Int

    /// The first second of a history.
    static let start = 1_762_300_800
    /// The groups of items.
    package static let groups = ["blue", "green", "red"]
    /// Two of them differ only after the bytes that LMDB's keys have room for.
    private static let partitions =
        ["a", "b"] + ["1", "2"].map { String(repeating: "l", count: 515) + $0 }
    private static let sortKeyCount = 3
    private static let consumers = ["audit", "sum"]

    private init(seed: UInt64, processCount: Int) {
        chance = SeededStream(seed: seed, .program)
        clockOffsets = Array(repeating: 0, count: processCount)
        self.processCount = processCount
    }

    /// Makes the program of a seed.
    ///
    /// - Parameters:
    ///   - seed: The seed.
    ///   - processCount: How many processes there are.
    ///   - planted: The fault that is planted in each store.
    /// - Returns: The program.
    package static func program(
        seed: UInt64, processCount: Int = 3, planted: String? = nil
    ) -> Program {
        var generator = ProgramGenerator(seed: seed, processCount: processCount)
        let count = generator.chance.number(40...80)
        // Operations are numbered from 1.
        let commands = (1...count).map { generator.command($0) }
        var faults = FaultGenerator(seed: seed)
        return Program(
            seed: seed, processCount: processCount, planted: planted,
            endsWithPowerCut: generator.chance.chance(75), commands: commands,
            faults: faults.faults(for: commands, processCount: processCount))
    }

    // MARK: Commands

    private mutating func command(_ id: Int) -> Command {
        let process = chance.below(processCount)
        now += chance.below(3)
        if chance.chance(4) {
            clockOffsets[process] = clockOffsets[process] == 0 ? chance.number(30...240) : 0
        }
        let kind = chance.pick(weighted: Self.weights)
        var request = self.request(kind, id, now + clockOffsets[process])
        request.now = now + clockOffsets[process]
        var command = Command(
            id: id, process: process, isAlone: kind == .compact, request: request)
        if command.isAlone, chance.chance(75) { command.admitsOpenings = true }
        return command
    }

    private static let weights: [(weight: Int, element: Request.Name)] = [
        (80, .write), (14, .writes), (36, .read), (6, .scan), (12, .checkpoint),
        (7, .removeExpired), (10, .consume), (4, .backup), (4, .archive), (2, .restore),
        (4, .follow), (2, .compact), (3, .verify), (6, .close), (6, .changes), (5, .addIndex),
        (3, .removeIndex), (4, .addCounter), (2, .removeCounter), (4, .addTimeToLive),
        (3, .removeTimeToLive), (20, .buildStep), (4, .hold), (10, .heldRead), (1, .letGo),
        (8, .cachedRead), (6, .changeLayout), (6, .pages), (2, .observe), (12, .observed),
        (1, .endObservation),
    ]
    /// The index that comes and goes.
    private static let addedIndex = "byV"
    /// The indexes whose layouts change.
    private static let layoutIndexes = ["byG", "byU"]
    /// The counter that comes and goes.
    private static let addedCounter = "addedPerG"
    /// The numbers of the second writes of groups begin after those of all commands, and so on.
    private static let opCountMax = 1000

    private mutating func request(_ kind: Request.Name, _ id: Int, _ now: Int) -> Request {
        var request = Request(kind)
        switch kind {
        case .write: write(&request, id, now)
        case .writes:
            request.writes = (0..<chance.number(2...4)).map { place in
                var member = Request(.write)
                write(&member, id + place * Self.opCountMax, now)
                return member
            }
        case .addIndex, .removeIndex: request.name = Self.addedIndex
        case .addCounter, .removeCounter: request.name = Self.addedCounter
        case .addTimeToLive: request.name = chance.pick(["x", "y"])
        case .changeLayout:
            request.name = chance.pick(Self.layoutIndexes)
            request.layout = chance.pick(["references", "copies"])
        case .buildStep: if chance.chance(60) { request.limit = chance.number(1...5) }
        case .read, .hold, .heldRead: read(&request)
        case .scan: takeTurns(&request)
        case .pages:
            request.groups = [chance.pick(Self.groups)]
            request.limit = chance.number(1...3)
            takeTurns(&request)
        case .observe, .observed:
            if chance.chance(50) {
                request.orders = [OrderGenerator.number(&chance)]
            } else {
                request.sites = [chance.pick(OrderGenerator.sites)]
            }
            takeTurns(&request)
        case .cachedRead:
            request.orders = OrderGenerator.numbers
            request.sites = OrderGenerator.sites
        case .removeExpired: if chance.chance(50) { request.limit = chance.number(1...3) }
        case .consume:
            request.name = chance.pick(Self.consumers)
            request.limit = chance.number(1...30)
        case .backup: request.to = "backup-\(id)"
        case .archive: request.to = "archive"
        case .restore: request.to = "restored-\(id)"
        case .follow: request.path = "follower-\(chance.below(2))"
        case .changes: request.limit = chance.number(1...40)
        default: break
        }
        return request
    }

    private mutating func read(_ request: inout Request) {
        request.items = (0..<chance.number(1...4)).map { _ in key() }
        if chance.chance(50) {
            request.groups = [chance.pick(Self.groups)]
            if chance.chance(50) { request.pageLimit = chance.number(1...3) }
        }
        if chance.chance(50) { request.totals = Self.groups }
        request.markers = true
        if chance.chance(40) {
            request.orders = (0..<chance.number(1...3)).map { _ in OrderGenerator.number(&chance) }
        }
        if chance.chance(40) { request.sites = OrderGenerator.sites }
        if chance.chance(40) { request.passes = ItemKey.passes }
        takeTurns(&request)
    }

    /// Lets other processes run between the parts of some reads.
    private mutating func takeTurns(_ request: inout Request) {
        if chance.chance(60) { request.takesTurns = true }
    }

    // MARK: Writes

    private mutating func key() -> ItemKey {
        ItemKey(chance.pick(Self.partitions), chance.below(Self.sortKeyCount))
    }

    private mutating func write(_ request: inout Request, _ id: Int, _ now: Int) {
        request.op = id
        switch chance.below(20) {
        case 0..<6: request.token = "t\(id)"
        case 6, 7: request.token = ""
        default: break
        }
        var keys: Set<ItemKey> = []
        var actions: [Action] = []
        if request.token == nil, chance.chance(5) {
            actions.append(Action(deletion: deletion(&keys)))
        }
        // Whether one pass is over may be open: then two writes of it are possible, and of more
        // passes more.
        var hasPass = false
        for _ in 0..<chance.pick(weighted: [(5, 1), (3, 2), (2, 3), (1, 5)]) {
            if chance.chance(30) {
                let action = orders.action(
                    op: id, isList: request.token != nil, avoiding: &keys, &chance)
                if let action { actions.append(action) }
                continue
            }
            if !hasPass, chance.chance(12) {
                actions.append(passAction(now))
                hasPass = true
                continue
            }
            let key = key()
            guard keys.insert(key).inserted else { continue }
            actions.append(action(key, id, now))
        }
        request.actions = actions
    }

    private mutating func action(_ key: ItemKey, _ id: Int, _ now: Int) -> Action {
        var action = Action()
        switch chance.below(20) {
        case 0..<11: action.put = item(key, id, now)
        case 11..<14: action.delete = key
        case 14..<18: action.add = Addition(p: key.p, s: key.s, by: chance.number(-3...5))
        default: action.check = key
        }
        if action.check != nil || chance.chance(30) { action.condition = requirement(key, id) }
        if action.check == nil { writers[key] = action.delete == nil ? id : nil }
        return action
    }

    /// A deletion by a query, after which the write changes no item that the query may find.
    private mutating func deletion(_ keys: inout Set<ItemKey>) -> Deletion {
        switch chance.below(3) {
        case 0:
            let partition = chance.pick(Self.partitions)
            keys.formUnion(Self.keys(in: [partition]))
            return Deletion(partition: partition)
        case 1:
            keys.formUnion(Self.keys(in: Self.partitions))
            return Deletion(group: chance.pick(Self.groups))
        default:
            keys.formUnion(OrderGenerator.numbers.map { Order.key($0) })
            return Deletion(site: chance.pick(OrderGenerator.sites))
        }
    }

    private static func keys(in partitions: [String]) -> [ItemKey] {
        partitions.flatMap { p in (0..<sortKeyCount).map { ItemKey(p, $0) } }
    }

    private mutating func passAction(_ now: Int) -> Action {
        let key = chance.pick(ItemKey.passes)
        switch chance.below(10) {
        case 0..<7:
            var pass = ItemImage(key)
            pass.v = chance.number(0...3)
            if chance.chance(70) { pass.x = now + chance.number(-3...45) }
            if chance.chance(70) { pass.y = now + chance.number(-3...45) }
            return Action(put: pass)
        case 7: return Action(delete: key)
        default: return Action(add: Addition(p: key.p, s: key.s, by: chance.number(1...3)))
        }
    }

    private mutating func requirement(_ key: ItemKey, _ id: Int) -> Requirement {
        switch chance.below(10) {
        case 0..<3: return Requirement(absent: true)
        case 3..<7:
            let writer = chance.chance(75) ? writers[key] : nil
            return Requirement(opIs: writer ?? chance.number(0...id))
        default: return Requirement(vAtLeast: chance.number(-2...8))
        }
    }

    private mutating func item(_ key: ItemKey, _ id: Int, _ now: Int) -> ItemImage {
        var item = ItemImage(key)
        if chance.chance(75) { item.g = chance.pick(Self.groups) }
        item.v = chance.number(0...12)
        if chance.chance(30) { item.u = "u\(chance.below(5))" }
        if chance.chance(25) { item.x = now + chance.number(-3...45) }
        let byteCount =
            switch chance.below(20) {
            case 0..<4: 0
            case 4..<14: chance.number(24...300)
            case 14..<18: chance.number(1000...5000)
            default: chance.number(17_000...40_000)
            }
        item.pad = Pad(byteCount == 0 ? 0 : id * 10 + key.s, byteCount)
        return item
    }
}

/// Makes the faults of a program.
private struct FaultGenerator {
    private var chance: SeededStream

    init(seed: UInt64) { chance = SeededStream(seed: seed, .faults) }

    mutating func faults(for commands: [Command], processCount: Int) -> [Fault] {
        // Some histories have none: conflicts alone.
        guard !chance.chance(15) else { return [] }
        return (0..<chance.number(1...5)).map { _ in
            if chance.chance(15) {
                let target = Fault.Target.opening(
                    process: chance.below(processCount), number: chance.below(3))
                return fault(at: target, callCount: 80)
            }
            let command = chance.pick(commands)
            return fault(
                at: .command(command.id), callCount: Self.callCount(command.request.command))
        }
    }

    private mutating func fault(at target: Fault.Target, callCount: Int) -> Fault {
        // The first calls are those that each run of the target makes.
        let call = chance.below(chance.chance(50) ? callCount : max(1, callCount / 4))
        switch chance.below(20) {
        case 0..<6: return Fault(.die, at: target, call: call)
        case 6..<11: return Fault(.powerCut, at: target, call: call)
        case 11..<13:
            return Fault(.shorten, at: target, call: call, amount: chance.number(1...999))
        case 13..<15: return Fault(.pause, at: target, call: call, amount: chance.number(5...300))
        default:
            let error = chance.pick(weighted: [(6, EIO), (3, ENOSPC), (1, EMFILE)])
            return Fault(.fail, at: target, call: call, error: error)
        }
    }

    /// About how many calls a command makes.
    private static func callCount(_ command: Request.Name) -> Int {
        switch command {
        case .write, .writes, .consume, .removeExpired: 8
        case .read, .hold, .heldRead, .scan, .pages, .observe, .observed: 6
        case .checkpoint: 16
        case .backup, .archive: 40
        case .restore, .follow: 120
        case .compact: 80
        case .buildStep: 60
        case .addIndex, .removeIndex, .addCounter, .removeCounter, .changeLayout: 12
        case .addTimeToLive, .removeTimeToLive, .close: 12
        default: 2
        }
    }
}
