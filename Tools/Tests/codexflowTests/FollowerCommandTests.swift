import Foundation
import Testing

/// A leader and a follower with a pipe between them.
@Suite("codexflow, followers")
struct FollowerCommandTests {
    let base: CommandTests
    let backup: String
    let follower: String

    init() throws {
        base = try CommandTests()
        (backup, follower) = (base.directory.path + "/backup", base.directory.path + "/follower")
    }

    private func put(_ number: Int) throws {
        let item = #"{"PK":{"S":"USER#\#(number)"},"SK":{"S":"PROFILE"},"n":{"N":"\#(number)"}}"#
        #expect(try base.run("put", base.store, item).code == 0)
    }

    /// The last commit that a store has; it is recovered first if it was killed.
    private func commits(_ store: String) throws -> Int {
        #expect(try base.run("recover", store).code == 0)
        let stats = try base.run("stats", store, "--json").output
        let object = try JSONSerialization.jsonObject(with: Data(stats.utf8)) as? [String: Any]
        return try #require(object?["commits"] as? Int)
    }

    /// `tail --records | follow`, until one of them is stopped.
    private final class Pair {
        let tail = Process()
        let follow = Process()
        let output = Pipe()

        init(_ leader: String, after commit: Int, _ follower: String) throws {
            let pipe = Pipe()
            tail.executableURL = CommandTests.program
            tail.arguments = ["tail", leader, "--records", "--follow", "--after", "\(commit)"]
            tail.standardOutput = pipe
            follow.executableURL = CommandTests.program
            follow.arguments = ["follow", follower]
            follow.standardInput = pipe
            follow.standardOutput = output
            try tail.run()
            try follow.run()
            try pipe.fileHandleForWriting.close()
            try pipe.fileHandleForReading.close()
        }

        func end() -> String {
            tail.terminate()
            tail.waitUntilExit()
            follow.waitUntilExit()
            return String(
                decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        }

        func kill() {
            Foundation.kill(follow.processIdentifier, SIGKILL)
            follow.waitUntilExit()
            tail.terminate()
            tail.waitUntilExit()
        }
    }

    @Test(
        "A follower over a pipe equals its leader byte for byte in an export, after stops on either side"
    )
    func pipe() throws {
        #expect(try base.run("init", base.store).code == 0)
        try put(0)
        #expect(try base.run("backup", base.store, backup).code == 0)
        #expect(try base.run("restore", backup, follower, "--follower").code == 0)
        var number = 1
        for round in 0..<5 {
            let pair = try Pair(
                base.store, after: round.isMultiple(of: 2) ? try commits(follower) : 1, follower)
            for _ in 0..<Int.random(in: 1...4) {
                try put(number)
                number += 1
            }
            if Bool.random() { pair.kill() } else { _ = pair.end() }
        }
        let last = try commits(base.store)
        let pair = try Pair(base.store, after: try commits(follower), follower)
        // The follower is open for writing there, and can be read here.
        while try commits(follower) < last {}
        #expect(pair.end().hasPrefix("commit \(last), "))
        let exports = try [base.store, follower].map { try base.run("export", $0).output }
        #expect(exports[0] == exports[1] && exports[0].contains("USER#\(number - 1)"))
        #expect(try base.run("verify", follower).code == 0)
        let stats = try base.run("stats", follower, "--json").output
        #expect(stats.contains(#""leaderCommits":\#(last)"#))

        let refused = try base.run(
            "put", follower, #"{"PK":{"S":"USER#x"},"SK":{"S":"PROFILE"}}"#)
        #expect(refused.code == 1 && refused.errors.contains("[following]"))
        let promoted = try base.run("promote", follower)
        #expect(
            promoted.code == 0 && promoted.output.hasPrefix("takes writes after commit \(last)"))
        #expect(
            try base.run("put", follower, #"{"PK":{"S":"USER#x"},"SK":{"S":"PROFILE"}}"#).code == 0)
        #expect(try base.run("promote", follower).code == 1)
        #expect(try base.run("follow", follower).errors.contains("[notFollowing]"))
    }

    @Test("follow refuses what is no stream of records, and tail what filters it")
    func refusals() throws {
        #expect(try base.run("init", base.store).code == 0)
        #expect(try base.run("backup", base.store, backup).code == 0)
        #expect(try base.run("restore", backup, follower, "--follower").code == 0)
        let text = try base.run("follow", follower, input: "{\"eventName\":\"INSERT\"}\n")
        #expect(text.code == 1 && text.errors.contains("[corrupted]"))
        let nothing = try base.run("follow", follower)
        #expect(nothing.code == 0 && nothing.output.contains(", 0 applied"))
        #expect(try base.run("tail", base.store, "--records", "--count", "1").code == 64)
        #expect(try base.run("tail", base.store, "--records", "--json", "--after", "1").code == 64)
        #expect(try base.run("tail", base.store, "--records").code == 64)
        #expect(try base.run("tail", base.store, "--records", "--after", "1.2").code == 64)
        #expect(
            try base.run("tail", base.store, "--records", "--after", "1", "--view", "new").code
                == 64)
        let ahead = try base.run("tail", base.store, "--records", "--after", "99")
        #expect(ahead.code == 1 && ahead.errors.contains("[diverged]"))
    }

    @Test("What cannot be applied is said at once, though the pipe stays open")
    func silentPipe() throws {
        #expect(try base.run("init", base.store).code == 0)
        #expect(try base.run("backup", base.store, backup).code == 0)
        #expect(try base.run("restore", backup, follower, "--follower").code == 0)
        let follow = Process()
        let (input, errors) = (Pipe(), Pipe())
        follow.executableURL = CommandTests.program
        follow.arguments = ["follow", follower]
        follow.standardInput = input
        follow.standardError = errors
        try follow.run()
        try input.fileHandleForWriting.write(contentsOf: Data("no record".utf8))
        follow.waitUntilExit()
        #expect(follow.terminationStatus == 1)
        let text = errors.fileHandleForReading.readDataToEndOfFile()
        #expect(String(decoding: text, as: UTF8.self).contains("[corrupted]"))
        try input.fileHandleForWriting.close()
    }
}
