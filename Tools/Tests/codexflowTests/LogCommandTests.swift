import Foundation
import Testing

/// The commands about the log: what changed, what its files hold, recovery.
@Suite("codexflow, log")
struct LogCommandTests {
    let base: CommandTests

    init() throws { base = try CommandTests() }

    private func object(_ line: Substring) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test("tail prints what was changed, filtered, as lines of JSON")
    func tail() throws {
        try base.run("init", base.store)
        for name in ["one", "two"] {
            let item = #"{"PK":{"S":"USER#\#(name)"},"SK":{"S":"PROFILE"},"name":{"S":"\#(name)"}}"#
            #expect(try base.run("put", base.store, item).code == 0)
        }
        let all = try base.run("tail", base.store, "--from-start", "--count", "2")
        #expect(all.code == 0)
        let lines = try all.output.split(separator: "\n").map(object)
        #expect(lines.map { $0["eventName"] as? String } == ["INSERT", "INSERT"])
        let image = try #require(lines[1]["newImage"] as? [String: [String: String]])
        #expect(image["name"] == ["S": "two"])
        #expect(lines[1]["oldImage"] == nil)
        let first = try #require(lines[0]["sequenceNumber"] as? String)
        let rest = try base.run(
            "tail", base.store, "--after", first, "--count", "1", "--view", "keys")
        let change = try object(Substring(rest.output))
        #expect(change["sequenceNumber"] as? String == lines[1]["sequenceNumber"] as? String)
        #expect(change["newImage"] == nil)
        let filtered = try base.run(
            "tail", base.store, "--from-start", "--partition", "USER#tw", "--count", "1")
        #expect(filtered.output.contains("USER#two"))
        #expect(try base.run("tail", base.store, "--after", "x").code == 64)
        #expect(try base.run("tail", base.store, "--after", "999").code == 1)
    }

    @Test("log lists the segments, and says where one is damaged")
    func log() throws {
        try base.run("init", base.store)
        try base.run("put", base.store, #"{"PK":{"S":"A#1"},"SK":{"S":"B"}}"#)
        let sound = try base.run("log", base.store)
        #expect(sound.code == 0)
        let report = try object(Substring(sound.output))
        let segments = try #require(report["segments"] as? [[String: Any]])
        #expect(segments.count == 1)
        #expect(segments[0]["changes"] as? Int == 1)
        #expect(segments[0]["end"] as? String == "clean")
        #expect(report["checkpoint"] as? Int == segments[0]["commits"] as? Int)
        #expect(try base.run("recover", base.store).output.hasPrefix("nothing to redo"))
        // A bit of the first commit's record, with others after it.
        for number in 2..<4 {
            try base.run("put", base.store, "{\"PK\":{\"S\":\"A#\(number)\"},\"SK\":{\"S\":\"B\"}}")
        }
        let name = try #require(segments[0]["name"] as? String)
        let url = URL(fileURLWithPath: base.store + "/" + name)
        var bytes = try Data(contentsOf: url)
        bytes[4096 + 50] ^= 1
        try bytes.write(to: url)
        let flipped = try base.run("log", base.store)
        #expect(flipped.code == 1)
        #expect(flipped.output.contains("damaged"))
        try Data(repeating: 7, count: 5000).write(
            to: URL(fileURLWithPath: base.store + "/" + name))
        let damaged = try base.run("log", base.store)
        #expect(damaged.code == 1)
        #expect(damaged.errors.contains(name))
        #expect(try base.run("log", base.directory.path + "/nothing").code == 1)
    }
}
