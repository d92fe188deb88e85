#if Remote
    import CodexCore
    import Foundation
    import Testing

    @testable import CodexRemote

    /// Requests of a client to the nodes of a service.
    @Suite("Balancing over nodes")
    struct NodeBalancingTests {
        private static func put(_ key: Int) -> Item { ["pk": .string("\(key)"), "sk": "b"] }

        private static let setting = Update([.set("n", .operand(.value(1)))])

        // MARK: Turns and keys

        @Test("Reads go to each node in turn, also many at once; the list is asked for once")
        func reads() async throws {
            let scene = try ClusterScene(nodeCount: 3)
            let addresses = ClusterScene.addresses(3)
            #expect(try await scene.client.refreshNodes() == ClusterScene.urls(addresses))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<60 {
                    group.addTask { _ = try await scene.table.get(Scene.key) }
                }
                try await group.waitForAll()
            }
            for address in addresses {
                #expect(scene.cluster.hosts.count(where: { $0 == address }) == 20)
            }
            #expect(scene.cluster.lookups.count == 1)
        }

        @Test("Writes that read the item go to one node for each key, and others in turn")
        func keys() async throws {
            let scene = try ClusterScene(nodeCount: 5)
            let table = scene.table
            var nodes: Set<String> = []
            for key in 0..<60 {
                let item = Self.put(key)
                let primary = PrimaryKey(.string("\(key)"), "b")
                let other = PrimaryKey(.string("\(key)"), "c")
                let hosts = [
                    try await scene.host { try await table.put(item, condition: Scene.isNew) },
                    try await scene.host { try await table.put(item, returning: .allOld) },
                    try await scene.host { try await table.update(primary, Self.setting) },
                    // The sort key does not matter.
                    try await scene.host { try await table.delete(other, condition: Scene.isNew) },
                ]
                #expect(Set(hosts).count == 1)
                nodes.formUnion(hosts.compactMap { $0 })
            }
            #expect(nodes.count == 5)
            var plain: Set<String?> = []
            for _ in 0..<5 {
                plain.insert(try await scene.host { try await table.put(Self.put(0)) })
            }
            #expect(plain.count == 5)
        }

        @Test("If all writes are lightweight transactions, each goes to the node of its key")
        func allWrites() async throws {
            let scene = try ClusterScene(nodeCount: 5) { $0.affinity = .writes }
            let table = scene.table
            let first = try await scene.host {
                try await table.put(Self.put(0), condition: Scene.isNew)
            }
            for _ in 0..<5 {
                let put = try await scene.host { try await table.put(Self.put(0)) }
                let deletion = try await scene.host {
                    try await table.delete(PrimaryKey("0", "b"))
                }
                #expect(put == first && deletion == first)
            }
            var reads: Set<String?> = []
            for _ in 0..<5 {
                reads.insert(try await scene.host { _ = try await table.get(Scene.key) })
            }
            #expect(reads.count == 5)
        }

        // MARK: Racks and data centers

        private static let places = [
            FakeCluster.Node("10.0.0.1", rack: "rack1"),
            FakeCluster.Node("10.0.0.2", rack: "rack 2"),
            FakeCluster.Node("10.1.0.1", dataCenter: "dc2", rack: "rack1"),
        ]

        @Test(
            "Reads go to the rack, or else to the data center",
            arguments: [
                (nil, nil, ["10.0.0.1", "10.0.0.2"]), (nil, "rack 2", ["10.0.0.2"]),
                ("dc1", "rack1", ["10.0.0.1"]), ("dc1", "none", ["10.0.0.1", "10.0.0.2"]),
                ("dc2", nil, ["10.1.0.1"]), ("dc2", "rack 2", ["10.1.0.1"]),
            ] as [(String?, String?, [String])])
        func racks(dataCenter: String?, rack: String?, found: [String]) async throws {
            let scene = try ClusterScene(FakeCluster(Self.places), seeds: ["10.0.0.2"]) {
                $0.dataCenter = dataCenter
                $0.rack = rack
            }
            let all = Self.places.filter { $0.dataCenter == dataCenter ?? "dc1" }
            #expect(
                try await scene.client.refreshNodes() == ClusterScene.urls(all.map(\.address)))
            for _ in 0..<4 { _ = try await scene.table.get(Scene.key) }
            #expect(Set(scene.cluster.hosts) == Set(found))
        }

        @Test("Clients in all racks send the conditional writes of a key to the same node")
        func keysOfRacks() async throws {
            var hosts: [[String]] = []
            for rack in ["rack1", "rack 2"] {
                let scene = try ClusterScene(FakeCluster(Self.places), seeds: ["10.0.0.1"]) {
                    $0.rack = rack
                }
                for key in 0..<20 {
                    try await scene.table.put(Self.put(key), condition: Scene.isNew)
                }
                hosts.append(scene.cluster.hosts)
            }
            #expect(hosts[0] == hosts[1] && Set(hosts[0]).count == 2)
        }

        @Test("A data center without nodes is refused, and nothing is sent to another one")
        func noDataCenter() async throws {
            let scene = try ClusterScene(FakeCluster(Self.places), seeds: ["10.0.0.1"]) {
                $0.dataCenter = "dc3"
            }
            for call in [
                { _ = try await scene.client.refreshNodes() },
                { _ = try await scene.table.get(Scene.key) },
            ] as [() async throws -> Void] {
                let error = await Scene.error(of: call)
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("Data center dc3") == true)
            }
            #expect(scene.cluster.hosts.isEmpty)
        }

        @Test("If the last node of the rack goes, the data center is used at once, without a pause")
        func lostRack() async throws {
            let scene = try ClusterScene(FakeCluster(Self.places), seeds: ["10.0.0.1"]) {
                $0.rack = "rack1"
            }
            try await scene.client.refreshNodes()
            scene.cluster.fail("10.0.0.1", .notSent)
            for _ in 0..<3 { _ = try await scene.table.get(Scene.key) }
            #expect(scene.cluster.hosts == ["10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.2"])
            #expect(scene.clock.sleeps.isEmpty)
        }

        @Test("If all nodes of the list go, new ones are found through a seed")
        func newNodes() async throws {
            let scene = try ClusterScene(
                FakeCluster([FakeCluster.Node("10.0.0.1")]), seeds: ["10.0.0.1", "10.0.0.9"])
            try await scene.client.refreshNodes()
            scene.cluster.fail("10.0.0.1", .notSent)
            scene.cluster.list([FakeCluster.Node("10.0.0.2")])
            scene.clock.pass(.seconds(1))
            _ = try await scene.table.get(Scene.key)
            #expect(scene.cluster.hosts == ["10.0.0.1", "10.0.0.2"])
        }

        // MARK: Nodes that do not answer

        @Test("A node that is not reached costs no pause, is passed over, and is tried again later")
        func deadNode() async throws {
            let scene = try ClusterScene(nodeCount: 3)
            try await scene.client.refreshNodes()
            scene.cluster.fail("10.0.0.2", .notSent)
            for _ in 0..<12 { _ = try await scene.table.get(Scene.key) }
            #expect(scene.cluster.hosts.count(where: { $0 == "10.0.0.2" }) == 1)
            #expect(scene.cluster.hosts.count == 13 && scene.clock.sleeps.isEmpty)
            // It still does not answer.
            await scene.client.nodes?.refreshAndProbe()
            for _ in 0..<6 { _ = try await scene.table.get(Scene.key) }
            #expect(scene.cluster.hosts.count(where: { $0 == "10.0.0.2" }) == 1)
            scene.cluster.fail("10.0.0.2", nil)
            await scene.client.nodes?.refreshAndProbe()
            for _ in 0..<6 { _ = try await scene.table.get(Scene.key) }
            #expect(scene.cluster.hosts.count(where: { $0 == "10.0.0.2" }) == 3)
        }

        @Test("A node that answered, and whose answer found no memory, is not passed over")
        func noMemory() async throws {
            let scene = try ClusterScene(nodeCount: 2)
            try await scene.client.refreshNodes()
            let nodes = try #require(scene.client.nodes)
            let node = try #require(try nodes.next(for: nil, without: []))
            let failure = RemoteFailure(.timedOut, cause: RequestLimit.lateAnswer)
            for _ in 0..<NodeTable.missingCountMax { nodes.note(failure, of: node) }
            let next = try (0..<2).map { _ in try nodes.next(for: nil, without: []) }
            #expect(next.contains(node))
        }

        @Test("A write whose connection broke is not sent to another node")
        func brokenWrite() async throws {
            let scene = try ClusterScene(nodeCount: 3)
            try await scene.client.refreshNodes()
            for address in ClusterScene.addresses(3) { scene.cluster.fail(address, .interrupted) }
            let error = await Scene.error { _ = try await scene.table.put(Self.put(0)) }
            #expect(error?.code == .outcomeUnknown)
            #expect(scene.cluster.hosts.count == 1)
        }

        @Test("If no node answers, the error says so, and the client goes on when one does")
        func allDead() async throws {
            let scene = try ClusterScene(nodeCount: 2)
            func failAll(_ kind: TransportFailure.Kind?) {
                for address in ClusterScene.addresses(2) { scene.cluster.fail(address, kind) }
            }
            failAll(.notSent)
            let start = await Scene.error { try await scene.client.refreshNodes() }
            let first = await Scene.error { _ = try await scene.table.get(Scene.key) }
            failAll(nil)
            _ = try await scene.table.get(Scene.key)
            failAll(.notSent)
            let later = await Scene.error { _ = try await scene.table.put(Self.put(0)) }
            for error in [start, first, later] {
                #expect(error?.code == .unavailable)
                let failure = error?.cause as? RemoteFailure
                #expect(failure?.kind == .unreachable)
                #expect((failure?.cause as? UnreachedNodes)?.count == 2)
            }
            failAll(nil)
            _ = try await scene.table.put(Self.put(0))
        }

        // MARK: Lists

        @Test("The list is asked for again after its time, beside the requests, and once")
        func refresh() async throws {
            let scene = try ClusterScene(nodeCount: 2) { $0.refreshInterval = .seconds(5) }
            _ = try await scene.table.get(Scene.key)
            scene.clock.pass(.milliseconds(4999))
            _ = try await scene.table.get(Scene.key)
            #expect(scene.cluster.lookups.count == 1)
            scene.clock.pass(.milliseconds(1))
            for _ in 0..<10 { _ = try await scene.table.get(Scene.key) }
            var events = scene.cluster.events.makeAsyncIterator()
            for _ in 0..<2 {
                let url = await events.next()
                #expect(url?.hasSuffix("/localnodes") == true)
            }
            #expect(scene.cluster.lookups.count == 2)
        }

        @Test("If a refresh fails, the nodes that are known stay")
        func failedRefresh() async throws {
            let scene = try ClusterScene(nodeCount: 2)
            try await scene.client.refreshNodes()
            for address in ClusterScene.addresses(2) { scene.cluster.fail(address, .timedOut) }
            await scene.client.nodes?.refreshAndProbe()
            for address in ClusterScene.addresses(2) { scene.cluster.fail(address, nil) }
            for _ in 0..<2 { _ = try await scene.table.get(Scene.key) }
            #expect(Set(scene.cluster.hosts) == Set(ClusterScene.addresses(2)))
        }

        @Test(
            "An answer that is no list of addresses is refused, and is not repeated",
            arguments: [
                "", "no", "{}", "[1]", #"["a/b"]"#, #"[""]"#, #"["a b"]"#, #""10.0.0.1""#,
                #"["10.0.0.1",null]"#,
            ])
        func malformed(text: String) async throws {
            let transport = FakeTransport([FakeTransport.answer(text)])
            var options = RemoteOptions(alternator: NodeBalancing(seeds: ["http://10.0.0.1:8000"]))
            options.credentials = StaticCredentials(accessKeyID: "KEY", secretAccessKey: "SECRET")
            options.transport = transport
            var parts = RemoteClient.Parts()
            parts.environment = [:]
            parts.read = { _ in nil }
            let client = try RemoteClient(options, parts)
            let error = await Scene.error {
                _ = try await RemoteTable(Scene.definition, client).get(Scene.key)
            }
            #expect(error?.code == .invalidResponse && transport.requests.count == 1)
        }

        @Test("The names of rack and data center are encoded in the request")
        func encoding() async throws {
            let scene = try ClusterScene(nodeCount: 1) {
                $0.dataCenter = "a b&c=é"
                $0.rack = "r-1._/"
            }
            _ = await Scene.error { try await scene.client.refreshNodes() }
            let place = "http://10.0.0.1:8000/localnodes?dc=a%20b%26c%3D%C3%A9"
            #expect(scene.cluster.lookups == [place, "\(place)&rack=r-1._%2F"])
        }

        // MARK: Options

        @Test("Options at their limits are taken, and others refused")
        func options() {
            func isTaken(
                _ seeds: Int = 1, _ change: (inout NodeBalancing) -> Void = { _ in }
            ) -> Bool {
                let addresses = (0..<seeds).map { "10.0.0.\($0)" }
                let cluster = FakeCluster([])
                return (try? ClusterScene(cluster, seeds: addresses, change)) != nil
            }
            for (count, isRight) in [(0, false), (1, true), (100, true), (101, false)] {
                #expect(isTaken(count) == isRight)
            }
            for (count, isRight) in [(0, false), (1, true), (255, true), (256, false)] {
                let name = String(repeating: "a", count: count)
                #expect(isTaken { $0.rack = name } == isRight)
                #expect(isTaken { $0.dataCenter = name } == isRight)
            }
            for (count, isRight) in [(999, false), (1000, true), (1001, true)] {
                #expect(isTaken { $0.refreshInterval = .milliseconds(count) } == isRight)
            }
            #expect(!isTaken { $0.seeds = ["10.0.0.1:8000"] })
        }

        @Test("A seed whose request the transport cancels by itself is passed over")
        func cancelledLookup() async throws {
            let cancel: FakeTransport.Step = { _ in throw CancellationError() }
            let scene = try Scene([cancel, FakeTransport.answer(#"["10.0.0.2"]"#)]) {
                $0.nodes = NodeBalancing(seeds: ["http://10.0.0.1:8000", "http://10.0.0.2:8000"])
            }
            #expect(try await scene.client.refreshNodes() == ["http://10.0.0.2:8000/"])
        }

        @Test("An endpoint and nodes exclude each other; a client with one endpoint has no nodes")
        func endpoint() async throws {
            let step = FakeTransport.answer()
            #expect(throws: CodexError(.invalidArgument, "")) {
                _ = try Scene([step]) {
                    $0.endpoint = "http://a"
                    $0.nodes = NodeBalancing(seeds: ["http://a"])
                }
            }
            let scene = try Scene([step])
            let error = await Scene.error { try await scene.client.refreshNodes() }
            #expect(error?.code == .invalidArgument)
        }
    }
#endif
