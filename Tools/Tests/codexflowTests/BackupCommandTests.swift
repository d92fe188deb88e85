import Foundation
import Testing

@Suite("codexflow, backups")
struct BackupCommandTests {
    let base: CommandTests

    init() throws { base = try CommandTests() }

    private func put(_ name: String) throws {
        let item = #"{"PK":{"S":"USER#\#(name)"},"SK":{"S":"PROFILE"},"name":{"S":"\#(name)"}}"#
        #expect(try base.run("put", base.store, item).code == 0)
    }

    @Test("backup, archive, verify-backup, and restore to a commit, a time and the latest")
    func restore() throws {
        let place = base.directory.path
        let (backup, archive) = (place + "/backup", place + "/archive")
        try base.run("init", base.store)
        try put("one")
        let made = try base.run("backup", base.store, backup)
        #expect(made.code == 0 && made.output.hasPrefix("commit "))
        let first = try #require(made.output.split(separator: " ").dropFirst().first)
        let time = try #require(made.output.split(separator: " ").dropFirst(3).first).dropLast()
        try put("two")
        #expect(try base.run("archive", base.store, archive).code == 0)
        try put("three")
        #expect(try base.run("archive", base.store, archive).output.contains("written: 1,"))
        // Nothing is new.
        #expect(try base.run("archive", base.store, archive).output.contains("written: 0,"))
        let verified = try base.run("verify-backup", backup, "--archive", archive)
        #expect(verified.code == 0 && verified.output.hasPrefix("sound: from commit \(first) "))

        func names(_ options: String...) throws -> [String] {
            let store = place + "/restored-\(UUID().uuidString)"
            let run = try base.run(["restore", backup, store] + options)
            #expect(run.code == 0, "\(run.errors)")
            let items = try base.run("export", store).output
            return ["one", "two", "three"].filter { items.contains("USER#\($0)") }
        }
        #expect(try names() == ["one"])
        #expect(try names("--archive", archive) == ["one", "two", "three"])
        #expect(try names("--archive", archive, "--sequence", String(first)) == ["one"])
        #expect(try names("--archive", archive, "--time", String(time)) == ["one"])

        #expect(try base.run("restore", backup, base.store).code == 1)
        let uncovered = try base.run("restore", backup, place + "/no", "--sequence", "1000")
        #expect(uncovered.code == 1 && uncovered.errors.contains("notCovered"))
        #expect(try base.run("restore", backup, place + "/no", "--time", "noon").code == 64)
        #expect(
            try base.run(
                "restore", backup, place + "/no", "--time", "2026-11-25T09:30:00.000Z",
                "--sequence", "1"
            ).code == 64)
        #expect(try base.run("verify-backup", archive).code == 1)
        #expect(!FileManager.default.fileExists(atPath: place + "/no"))
    }
}
