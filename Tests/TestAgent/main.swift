import CodexCore
import CodexStore
import CrashSupport
import Foundation

// A process that works on a store until it is done, or is killed.
//
//   write STORE COUNT SEED   puts and deletes items, one transaction each
//   index STORE NAME         adds an index on the attribute `g`, then waits until it is ready
//   layout STORE NAME LAYOUT STEP   gives an index a layout, then waits; is killed at the step,
//                                   which is as LastStep has it
//   counter STORE NAME       adds a counter by `g`, then waits
//   load STORE COUNT         loads items into the empty table
//   crash STORE …            see CrashWriter
//   claim STORE COUNT ROUNDS PREFIX   users PREFIX0, … try to claim each of the tasks t0, …; prints
//                                     which of them did
//   bump STORE COUNT SEED    changes users and tasks at random
//   limit STORE LIMIT TASKS COUNT   TASKS tasks take COUNT permits each; prints how many were let through
//   backup STORE DIRECTORY   writes items 0, 1, … while it makes backups and archives the log there, until
//                            it is killed; prints how many items each archive has at least
//   follow STORE LEADER      follows the store LEADER, until it is killed
//   sum STORE                consumes as "sum", and adds up what it gets, until it is killed
//   check STORE WRITER=GROUP…   sees whether all is there that crash writers acknowledged
//   rolling STORE VERSION COUNT PREFIX   see RollingProgram
//   torture STORE …          see TortureWorker
//   histories STORE …        see HistoryWriter
//   soak STORE …             see SoakWorker
//   soak-reader STORE …      see SoakReader
//   soak-tables STORE …      see SoakManyTables
//   upgrade STORE            brings a store of an earlier format to the present one, and verifies it
//   drive                    does what it is told: see Driven
//
// Each prints a line when it has begun and one when it is done.

func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

let arguments = CommandLine.arguments
if arguments.dropFirst() == ["drive"] {
    await Driven().run()
    exit(0)
}
guard arguments.count >= 3 else { exit(64) }
do {
    if arguments[1] == "torture" {
        await TortureWorker(Array(arguments.dropFirst(2))).run()
        exit(0)
    }
    if arguments[1] == "histories" {
        try HistoryWriter(Array(arguments.dropFirst(2))).run()
        exit(0)
    }
    if arguments[1] == "soak" {
        await SoakWorker(Array(arguments.dropFirst(2))).run()
        exit(0)
    }
    if arguments[1] == "soak-reader" {
        SoakReader(Array(arguments.dropFirst(2))).run()
        exit(0)
    }
    if arguments[1] == "soak-tables" {
        await SoakManyTables(Array(arguments.dropFirst(2))).run()
        exit(0)
    }
    if arguments[1] == "rolling" {
        try await RollingProgram(Array(arguments.dropFirst(2))).run()
        exit(0)
    }
    if arguments[1] == "crash" {
        try await CrashWriter(Array(arguments.dropFirst(2))).run()
        exit(0)
    }
    if arguments[1] == "check" {
        let pairs = arguments.dropFirst(3).map { $0.split(separator: "=").compactMap { Int64($0) } }
        let acknowledged = Dictionary(uniqueKeysWithValues: pairs.map { (Int($0[0]), $0[1]) })
        _ = try CrashWorkload.check(arguments[2], acknowledged, isPowerCut: true)
        exit(0)
    }
    var options = StoreOptions()
    if arguments[1] == "layout", let step = LastStep(arguments[5], SIGKILL) {
        options.parts.reached = { step.reached($0) }
    }
    let store = try Store(at: arguments[2], options: options)
    switch arguments[1] {
    case "sum":
        say("begun")
        try await store.consume("sum", batchCount: 5) { transaction, changes in
            let key = PrimaryKey("total", "total")
            var sum = try transaction.item(in: "t", key: key)?["v"]?.number?.int64 ?? 0
            for change in changes { sum += try change.newImage?["v"]?.number?.int64 ?? 0 }
            try transaction.put(
                ["p": "total", "s": "total", "v": .number(Number(Int(sum)))], in: "t")
        }
    case "bump":
        say("begun")
        var bumper = Bumper(store, seed: UInt64(arguments[4]) ?? 1)
        for _ in 0..<(Int(arguments[3]) ?? 0) { try await bumper.step() }
    case "backup":
        say("begun")
        try await BackingUp(store, directory: arguments[3]).run()
    case "follow":
        let leader = try Store(at: arguments[3])
        say("begun")
        try await store.follow(leader.replicationStream(after: try store.stats().sequence))
    case "limit":
        say("begun")
        let clients = try PermitClients(store, limit: Int(arguments[3]) ?? 0)
        let (taskCount, count) = (Int(arguments[4]) ?? 0, Int(arguments[5]) ?? 0)
        say("allowed \(try await clients.acquire(taskCount: taskCount, count))")
    case "claim":
        say("begun")
        try await Claimers(
            store, count: Int(arguments[3]) ?? 0, prefix: arguments[5]
        ).claim(taskCount: Int(arguments[4]) ?? 0)
    case "write":
        var random = UInt64(arguments[4]) ?? 1
        func next(_ bound: UInt64) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((random >> 33) % bound)
        }
        say("begun")
        for _ in 0..<(Int(arguments[3]) ?? 0) {
            let number = next(5000)
            let key = PrimaryKey(.string("p\(number % 50)"), .string("s\(number)"))
            let value = next(1000)
            _ = try store.write { transaction in
                if value < 300 {
                    try transaction.delete(in: "t", key: key)
                } else {
                    try transaction.put(
                        [
                            "p": key.partition, "s": key.sort ?? "", "g": .string("g\(value % 7)"),
                            "v": .number(Number(value)),
                        ], in: "t")
                }
            }
        }
    case "index":
        say("begun")
        try await store.addIndex(
            IndexDefinition(
                arguments[3], partitionKey: [KeyAttribute("g")],
                sortKey: [KeyAttribute("v", .number)]),
            to: "t")
        try await store.waitUntilReady()
    case "layout":
        say("begun")
        guard let layout = IndexLayout(rawValue: arguments[4]) else { exit(64) }
        try await store.changeLayout(ofIndex: arguments[3], in: "t", to: layout)
        try await store.waitUntilReady()
    case "upgrade":
        say("begun")
        try await store.waitUntilReady()
        let report = try store.verify()
        guard report.isSound else {
            throw CrashFinding(description: "verify: \(report.differences.prefix(3))")
        }
    case "counter":
        say("begun")
        try await store.addCounter(
            CounterDefinition(arguments[3], group: [KeyAttribute("g")], sums: ["v"]), to: "t")
        try await store.waitUntilReady()
    case "load":
        let count = Int(arguments[3]) ?? 0
        var number = 0
        try await store.load(into: "t", batchCount: 500) {
            if number == 2000 { say("begun") }
            guard number < count else { return nil }
            defer { number += 1 }
            return [
                "p": .string("p\(number % 50)"), "s": .string("s\(number)"),
                "g": .string("g\(number % 7)"), "v": .number(Number(number)),
            ]
        }
    default: exit(64)
    }
    store.close()
    say("done")
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
