import Foundation
import Testing

/// Stores with encrypted fields: the file of keys, writes, verification, rotation.
@Suite("codexflow, encryption")
struct EncryptionCommandTests {
    let base: CommandTests
    private let keyFile: String
    private static let secret = "a planted secret"
    private static let task =
        #"{"PK":{"S":"PROJECT#1"},"SK":{"S":"TASK#2"},"body":{"S":"\#(secret)"}}"#

    init() throws {
        base = try CommandTests()
        keyFile = base.directory.path + "/keys.json"
    }

    /// Makes a store whose schema encrypts the body of tasks, and the file of keys.
    private func makeStore() throws {
        let (plain, file) = (base.directory.path + "/plain", base.directory.path + "/schema.json")
        #expect(try base.run("init", plain).code == 0)
        let printed = try base.run("stats", plain, "--schema").output
        var schema = try #require(
            try JSONSerialization.jsonObject(with: Data(printed.utf8)) as? [String: Any])
        let entities = try #require(schema["entities"] as? [[String: Any]])
        schema["entities"] = entities.map { entity in
            guard entity["name"] as? String == "task" else { return entity }
            return entity.merging(["sealed": ["body"]]) { $1 }
        }
        try JSONSerialization.data(withJSONObject: schema).write(to: URL(fileURLWithPath: file))
        #expect(try base.run("keys", "create", "--key-file", keyFile).code == 0)
        let made = try base.run("init", base.store, "--schema", file, "--key-file", keyFile)
        #expect(made.code == 0, "\(made.errors)")
    }

    /// The identifiers of the keys, the current one last.
    private func keyIDs() throws -> [Substring] {
        try base.run("keys", "list", "--key-file", keyFile).output.split(separator: "\n").map {
            $0.prefix { $0 != " " }
        }
    }

    /// Whether a file of the store has the secret.
    private func holdsSecret() throws -> Bool {
        try FileManager.default.subpathsOfDirectory(atPath: base.store).contains { name in
            FileManager.default.contents(atPath: base.store + "/" + name)?
                .range(of: Data(Self.secret.utf8)) != nil
        }
    }

    @Test("An item is written with the keys; its field is sealed in files and in what is printed")
    func writing() throws {
        try makeStore()
        let refused = try base.run("put", base.store, Self.task)
        #expect(refused.code == 1 && refused.errors.contains("[keyUnavailable]"))
        let put = try base.run("put", base.store, Self.task, "--key-file", keyFile)
        #expect(put.code == 0, "\(put.errors)")
        let got = try base.run("get", base.store, "PROJECT#1", "TASK#2", "--key-file", keyFile)
        #expect(got.code == 0 && got.output.contains(#""body":{"B":"#))
        #expect(try !holdsSecret())
    }

    @Test("The environment names the file of keys, and the option another")
    func environment() throws {
        try makeStore()
        let named = ["CODEXFLOW_KEYS": keyFile]
        #expect(try base.run(["put", base.store, Self.task], environment: named).code == 0)
        #expect(try base.run(["keys", "list"], environment: named).output.contains(" current\n"))
        let missing = base.directory.path + "/none.json"
        let refused = try base.run(
            ["put", base.store, Self.task, "--key-file", missing], environment: named)
        #expect(refused.code == 1 && refused.errors.contains("no file of keys at \(missing)"))
        // An empty variable names none.
        let unset = try base.run(["stats", base.store], environment: ["CODEXFLOW_KEYS": ""])
        #expect(unset.code == 0)
    }

    @Test("verify opens every sealed value")
    func verification() throws {
        try makeStore()
        #expect(try base.run("put", base.store, Self.task, "--key-file", keyFile).code == 0)
        let sound = try base.run("verify", base.store, "--key-file", keyFile)
        #expect(sound.code == 0 && sound.output.contains(#""differences":[]"#), "\(sound.output)")
        let other = base.directory.path + "/other.json"
        #expect(try base.run("keys", "create", "--key-file", other).code == 0)
        let unopened = try base.run("verify", base.store, "--key-file", other)
        #expect(unopened.code == 1 && unopened.output.contains(#""kind":"unopenedValue""#))
    }

    @Test("A key is rotated, the store resealed, and the old key removed")
    func rotation() throws {
        try makeStore()
        #expect(try base.run("put", base.store, Self.task, "--key-file", keyFile).code == 0)
        let without = try base.run("reseal", base.store)
        #expect(without.code == 1 && without.errors.contains("--key-file"))
        let old = try #require(try keyIDs().first)
        #expect(try base.run("keys", "rotate", "--key-file", keyFile).code == 0)
        #expect(try keyIDs().count == 2)
        let resealed = try base.run("reseal", base.store, "--key-file", keyFile)
        #expect(resealed.output == "1 items resealed, 0 refused\n", "\(resealed.errors)")
        let again = try base.run("reseal", base.store, "--key-file", keyFile)
        #expect(again.output == "0 items resealed, 0 refused\n")
        let removed = try base.run("keys", "remove", String(old), "--key-file", keyFile)
        #expect(removed.code == 0, "\(removed.errors)")
        #expect(try base.run("verify", base.store, "--key-file", keyFile).code == 0)
    }

    @Test("The file of keys is its owner's, is not made twice, and keeps its current key")
    func keyFiles() throws {
        #expect(try base.run("keys", "create", "--key-file", keyFile).code == 0)
        let attributes = try FileManager.default.attributesOfItem(atPath: keyFile)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try base.run("keys", "create", "--key-file", keyFile).code == 1)
        let current = try #require(try keyIDs().last)
        #expect(try base.run("keys", "remove", String(current), "--key-file", keyFile).code == 1)
        #expect(try keyIDs() == [current])
        for command in ["create", "list", "rotate"] {
            let unnamed = try base.run("keys", command)
            #expect(unnamed.code == 1 && unnamed.errors.contains("--key-file"), "\(command)")
        }
    }
}
