import Codex
import CodexCore
import CodexStore
import CodexTesting
import CodexWorkspace
import Foundation
import Synchronization
import Testing

extension Fixture {
    /// Stores a user as an earlier version did, whose rule made another key of the address.
    fileprivate func storeEarlier(
        _ id: CodexFlow.User.ID, _ email: String, key: String
    ) async throws {
        var item = try CodexFlow.User(id: id, email: email, name: "Old", state: .active).item()
        item["GSI1PK"] = .string("EMAIL#\(key)")
        try await store.put(item, in: CodexFlow.table)
    }

    /// The address in the stored key of a user.
    fileprivate func key(of id: CodexFlow.User.ID) throws -> String? {
        let item = try store.item(
            in: CodexFlow.table, key: PrimaryKey(.string("USER#\(id)"), "PROFILE"))
        return item?["GSI1PK"]?.string.map { String($0.dropFirst("EMAIL#".count)) }
    }
}

/// A workspace's data in which something happens after a number of reads.
private final class SlowReads: CodexFlow.WorkspaceBackend {
    private let base: CodexFlow.TableWorkspaceBackend
    private let readCount = Mutex(0)
    private let pause: Int
    private let other: @Sendable () async throws -> Void

    init(
        _ store: Store, after pause: Int, _ other: @escaping @Sendable () async throws -> Void
    ) throws {
        base = try CodexFlow.TableWorkspaceBackend(RemoteTable(store))
        self.pause = pause
        self.other = other
    }

    func get<E: Entity>(_ lookup: Lookup<E>) async throws -> E? {
        let found = try await base.get(Lookup<E>(lookup.target))
        let count = readCount.withLock { count in
            count += 1
            return count
        }
        if count == pause { try await other() }
        return found
    }

    func commit<Outcome: Sendable>(
        _ decide:
            @escaping @Sendable (any CodexFlow.DecisionReader) throws -> CodexFlow.Decision<Outcome>
    ) async throws -> Outcome {
        try await base.commit(decide)
    }

    func query<E: Entity>(
        _ query: CodexCore.Query<E>, limit: Int?, after token: PageToken?
    ) async throws -> Page<E> {
        try await base.query(query, limit: limit, after: token)
    }

    func removeItems(of project: CodexFlow.Project.ID, limit: Int) async throws -> Bool {
        try await base.removeItems(of: project, limit: limit)
    }
}

/// The keys of e-mail addresses: one rule, and the users of the rule before it.
@Suite("E-mail keys")
struct EmailKeyTests {
    /// Spellings of one address.
    private static let spellings = [
        "ü@exämple.de", " Ü@EXÄMPLE.de\n", "u\u{308}@exa\u{308}mple.de", "ü@xn--exmple-cua.de",
        "Ü@XN--EXMPLE-CUA.DE",
    ]

    private func user(_ email: String) -> CodexFlow.User {
        CodexFlow.User(id: "1", email: email, name: "A")
    }

    private func isSound(_ email: String) -> Bool { (try? user(email).validate()) != nil }

    @Test("The spellings of an address have one key, and mail goes to the spelling that is stored")
    func oneKey() async throws {
        let fixture = try await Fixture()
        for (number, spelling) in Self.spellings.enumerated() {
            #expect(user(spelling).normalizedEmail == "ü@xn--exmple-cua.de")
            guard number > 0 else {
                try await fixture.workspace.createUser(email: spelling, name: "A", id: "a")
                continue
            }
            try await fixture.expect(.userEmailTaken, "email") {
                try await fixture.workspace.createUser(email: spelling, name: "B")
            }
        }
        for spelling in Self.spellings {
            let found = try fixture.store.get(.user(email: spelling))
            #expect(found?.id == "a" && found?.email == "ü@exämple.de")
        }
    }

    @Test("An address is stored as it was typed, without the white space around it")
    func typed() throws {
        let item = try user(" Ada@Exämple.DE\u{3000}").item()
        #expect(item["email"] == "Ada@Exämple.DE")
        #expect(item["GSI1PK"] == "EMAIL#ada@xn--exmple-cua.de")
    }

    @Test(
        "Invisible, bidirectional and unassigned characters are refused in both parts",
        arguments: [
            "\u{200B}", "\u{200C}", "\u{200D}", "\u{FEFF}", "\u{AD}", "\u{202E}", "\u{2066}",
            "\u{200E}", "\u{61C}", "\u{FE0F}", "\u{3164}", "\u{2800}", "\u{378}", "\u{E000}",
            "\u{85}", "\u{A0}", "#", " ",
        ])
    func refused(character: String) {
        #expect(!isSound("a\(character)b@c.de"))
        #expect(!isSound("ab@c\(character)d.de"))
    }

    @Test("The limits of lengths: 64 bytes, labels of 63, domains of 253, addresses of 254")
    func limits() {
        func text(_ count: Int) -> String { String(repeating: "d", count: count) }
        for (count, fits) in [(63, true), (64, true), (65, false)] {
            #expect(isSound(text(count) + "@b") == fits)
        }
        for (count, fits) in [(62, true), (63, true), (64, false)] {
            #expect(isSound("a@\(text(count)).de") == fits)
        }
        // In Punycode, "xn--" and more: 4 + "-…" + the letters.
        for (count, fits) in [(54, true), (55, true), (56, false)] {
            let address = "a@\(text(count))ü.de"
            #expect(isSound(address) == fits, "\(user(address).normalizedEmail)")
        }
        let three = Array(repeating: text(63), count: 3).joined(separator: ".")
        for (count, fits) in [(59, true), (60, true), (61, false)] {
            #expect(isSound("a@\(three).\(text(count))") == fits)
        }
    }

    @Test("Lower case is of each character by itself, and of no language")
    func lowerCase() {
        let pairs = [
            ("İ@b", "i\u{307}@b"), ("I@b", "i@b"), ("ΝΙΚΟΣ@b", "νικοσ@b"), ("νικος@b", "νικος@b"),
            ("ẞ@b", "ß@b"), ("\u{212A}@b", "k@b"), ("a@ΑΣ.gr", "a@xn--mxa0b.gr"),
        ]
        for (email, key) in pairs {
            #expect(ByteOrder.equal(user(email).normalizedEmail, key), "\(email)")
        }
    }

    // MARK: Users of the earlier rule

    @Test("A user of the earlier rule is found by each spelling", arguments: Place.allCases)
    func found(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.storeEarlier("u", "Ü@Exämple.de", key: "ü@exämple.de")
        for spelling in Self.spellings {
            #expect(try store.get(.user(email: spelling))?.id == "u")
            #expect(try store.stored(.user(email: spelling))?.value.id == "u")
            #expect(try await workspace.get(.user(email: spelling))?.id == "u")
            try await fixture.expect(.userEmailTaken, "email") {
                try await workspace.createUser(email: spelling, name: "B")
            }
        }
        #expect(try store.get(.user(email: "v@exämple.de")) == nil)
        #expect(try await workspace.get(.user(email: "v@exämple.de")) == nil)
        try await store.update(.user(email: "ü@exämple.de")) { $0.name = "New" }
        #expect(try store.get(.user("u"))?.name == "New")
        #expect(try await store.delete(.user(email: "ü@exämple.de")))
        #expect(try store.get(.user("u")) == nil && store.verify().isSound)
    }

    @Test("Both users of an old collision are found by their addresses", arguments: Place.allCases)
    func collision(place: Place) async throws {
        let fixture = try await Fixture(place)
        let (workspace, store) = (fixture.workspace, fixture.store)
        let users: [(CodexFlow.User.ID, String)] = [
            ("a", "ü@exämple.de"), ("b", "ü@xn--exmple-cua.de"),
        ]
        for (id, email) in users { try await fixture.storeEarlier(id, email, key: email) }
        for (id, email) in users {
            for spelling in [email, " \(email.uppercased())\n"] {
                #expect(try store.get(.user(email: spelling))?.id == id)
                #expect(try await workspace.get(.user(email: spelling))?.id == id)
            }
            try await workspace.changeUser(id) { $0.name = "New" }
            try await workspace.suspendUser(id)
            #expect(try fixture.key(of: id) == email)
        }
        try await fixture.expect(.userEmailTaken, "email") {
            try await workspace.changeUser("a") { $0.adoptEmailRule() }
        }
        // The key of b would stay, and the address would find a.
        try await fixture.expect(.userEmailTaken, "email") {
            try await workspace.changeUser("b") { $0.email = "ü@exämple.de" }
        }
    }

    @Test("An old key of a domain in Unicode and in ASCII is found", arguments: Place.allCases)
    func mixed(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        try await fixture.storeEarlier("u", "u@exämple.xn--p1ai", key: "u@exämple.xn--p1ai")
        for email in [
            "u@exämple.рф", "U@xn--exmple-cua.xn--p1ai", "u@XN--EXMPLE-CUA.рф",
            "u@exämple.xn--p1ai",
        ] {
            #expect(try fixture.store.get(.user(email: email))?.id == "u", "\(email)")
            #expect(try await workspace.get(.user(email: email))?.id == "u", "\(email)")
            try await fixture.expect(.userEmailTaken, "email") {
                try await workspace.createUser(email: email, name: "B")
            }
        }
    }

    @Test("The spellings of three labels are combined", arguments: 2...4)
    func labels(count: Int) async throws {
        let fixture = try await Fixture()
        let mixed = "u@ä." + String(repeating: "xn--4ca.", count: count - 1) + "de"
        try await fixture.storeEarlier("u", mixed, key: mixed)
        let whole = "u@" + String(repeating: "ä.", count: count) + "de"
        let lookup = Lookup<CodexFlow.User>.user(email: whole)
        #expect(lookup.alternatives.count == (count <= 3 ? 1 << count : 2) - 1)
        let expected: CodexFlow.User.ID? = count <= 3 ? "u" : nil
        #expect(try fixture.store.get(lookup)?.id == expected)
        #expect(try fixture.store.get(.user(email: mixed))?.id == "u")
        let review = CodexFlow.EmailReview(of: try fixture.store.all(.users))
        #expect(review.migratable == ["u"])
    }

    @Test("A user who is migrated between two reads is found", arguments: 1...4)
    func migratedMeanwhile(count: Int) async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        try await fixture.storeEarlier("u", "u@exämple.xn--p1ai", key: "u@exämple.xn--p1ai")
        let lookup = Lookup<CodexFlow.User>.user(email: "u@exämple.рф")
        #expect(lookup.alternatives.count == 3)
        let backend = try SlowReads(store, after: count) {
            try await store.update(.user("u")) { $0.adoptEmailRule() }
        }
        let workspace = CodexFlow.Workspace(backend, calendar: SystemCalendar())
        #expect(try await workspace.get(lookup)?.id == "u")
    }

    @Test("A command returns the address that it stored", arguments: Place.allCases)
    func returned(place: Place) async throws {
        let fixture = try await Fixture(place)
        let workspace = fixture.workspace
        let user = try await workspace.createUser(
            email: " Ada@Exämple.de\u{3000}", name: "A", id: "ada")
        #expect(user.email == "Ada@Exämple.de")
        #expect(try fixture.store.get(.user("ada"))?.email == user.email)
        let changed = try await workspace.changeUser("ada") { $0.email = "\tb@c " }
        #expect(changed.email == "b@c")
        #expect(try fixture.store.get(.user("ada"))?.email == "b@c")
    }

    @Test("A key of the earlier rule that was not composed is found by the same text")
    func notComposed() async throws {
        let fixture = try await Fixture()
        try await fixture.storeEarlier("u", "\u{958}@b", key: "\u{958}@b")
        let found = try fixture.store.get(.user(email: "\u{958}@b"))
        #expect(found?.id == "u")
    }

    @Test("Nothing but a change of the address, or a migration, changes the key")
    func kept() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        for id in ["u", "v"] as [CodexFlow.User.ID] {
            try await fixture.storeEarlier(id, "\(id)@exämple.de", key: "\(id)@exämple.de")
        }
        try await workspace.changeUser("u") { $0.name = "New" }
        try await workspace.suspendUser("u")
        try await workspace.activateUser("u")
        try await store.update(.user("u")) { $0.timeZone = "UTC" }
        #expect(try fixture.key(of: "u") == "u@exämple.de")
        try await workspace.changeUser("u") { $0.adoptEmailRule() }
        #expect(try fixture.key(of: "u") == "u@xn--exmple-cua.de")
        try await workspace.changeUser("v") { $0.email = "V@exämple.de" }
        #expect(try fixture.key(of: "v") == "v@xn--exmple-cua.de")
        #expect(try store.get(.user(email: "v@exämple.de"))?.email == "V@exämple.de")
        #expect(try store.verify().isSound)
    }

    @Test("A user with an address that is refused now can still be suspended")
    func refusedNow() async throws {
        let fixture = try await Fixture()
        let workspace = fixture.workspace
        try await fixture.storeEarlier("u", "a@☃.net", key: "a@☃.net")
        let long = "a@" + String(repeating: "d", count: 64)
        try await fixture.storeEarlier("v", long, key: long)
        for id in ["u", "v"] as [CodexFlow.User.ID] {
            try await workspace.suspendUser(id)
            #expect(try fixture.store.get(.user(id))?.state == .suspended)
            try await fixture.expect(.userEmail, "email") {
                try await workspace.changeUser(id) { $0.adoptEmailRule() }
            }
            try await fixture.expect(.userEmail, "email") {
                try await workspace.changeUser(id) { $0.email = "b@☃.net" }
            }
        }
        let review = CodexFlow.EmailReview(of: try fixture.store.all(.users))
        #expect(review.refused == ["u", "v"] && review.collisions.isEmpty)
        #expect(review.migratable.isEmpty)
    }

    @Test("A review lists what collides, and a migration does not merge it")
    func review() async throws {
        let fixture = try await Fixture()
        let (workspace, store) = (fixture.workspace, fixture.store)
        try await fixture.storeEarlier("a", "ü@exämple.de", key: "ü@exämple.de")
        try await fixture.storeEarlier("b", "ü@xn--exmple-cua.de", key: "ü@xn--exmple-cua.de")
        try await fixture.storeEarlier("c", "c@exämple.de", key: "c@exämple.de")
        let before = try fixture.contents
        let review = CodexFlow.EmailReview(of: try store.all(.users))
        #expect(try fixture.contents == before)
        #expect(review.collisions.map(\.key) == ["ü@xn--exmple-cua.de"])
        #expect(review.collisions.map(\.users) == [["a", "b"]])
        #expect(review.migratable == ["c"] && review.refused.isEmpty)
        try await fixture.expect(.userEmailTaken, "email") {
            try await workspace.changeUser("a") { $0.adoptEmailRule() }
        }
        for id in review.migratable {
            try await workspace.changeUser(id) { $0.adoptEmailRule() }
        }
        try await workspace.changeUser("a") { $0.email = "a@exämple.de" }
        let again = CodexFlow.EmailReview(of: try store.all(.users))
        #expect(again == CodexFlow.EmailReview(of: [CodexFlow.User]()))
        #expect(try store.get(.user(email: "c@exämple.de"))?.id == "c")
    }

    @Test("A stored key that is no spelling of the address is not kept")
    func foreignKey() async throws {
        let fixture = try await Fixture()
        try await fixture.storeEarlier("u", "ü@b", key: "other@b")
        try await fixture.workspace.changeUser("u") { $0.name = "New" }
        #expect(try fixture.key(of: "u") == "ü@b")
    }

    @Test("A cache and an observation see changes of a user of the earlier rule")
    func caches() async throws {
        let fixture = try await Fixture()
        let store = fixture.store
        let lookup = Lookup<CodexFlow.User>.user(email: "ü@exämple.de")
        let cache = try StoreCache(store)
        var observed = store.observe(lookup).makeAsyncIterator()
        #expect(try cache.get(lookup) == nil)
        #expect(try await observed.next() == .some(nil))
        try await fixture.storeEarlier("u", "ü@exämple.de", key: "ü@exämple.de")
        #expect(try cache.get(lookup)?.name == "Old")
        let first = try await observed.next() ?? nil
        #expect(first?.name == "Old")
        try await store.update(.user("u")) { $0.name = "New" }
        #expect(try cache.get(lookup)?.name == "New")
        let second = try await observed.next() ?? nil
        #expect(second?.name == "New")
    }
}
