#if Server
    import NIOHTTP1
    import Testing

    @testable import CodexflowServer

    /// The nodes of a model of Alternator, and requests for them.
    @Suite("Lists of nodes")
    struct ServedNodesTests {
        private static let nodes = ServedNodes(
            ServedNodes.Node("10.0.0.1", dataCenter: "dc1", rack: "rack1"),
            others: [
                ServedNodes.Node("10.0.0.2", dataCenter: "dc1", rack: "rack 2"),
                ServedNodes.Node("10.1.0.1", dataCenter: "dc2", rack: "rack1"),
            ])

        @Test(
            "The list is that of the data center, and of the rack that is named",
            arguments: [
                ("", #"["10.0.0.1","10.0.0.2"]"#), ("?", #"["10.0.0.1","10.0.0.2"]"#),
                ("?rack=rack%202", #"["10.0.0.2"]"#), ("?dc=dc2", #"["10.1.0.1"]"#),
                ("?rack=rack1&dc=dc2", #"["10.1.0.1"]"#), ("?dc=dc2&rack=rack%202", "[]"),
                ("?dc=none", "[]"), ("?other=1&&dc", #"["10.0.0.1","10.0.0.2"]"#),
            ])
        func lists(query: String, list: String) throws {
            let parsed = try #require(NodeQuery(target: "/localnodes\(query)"))
            #expect(Self.nodes.list(parsed) == list)
        }

        @Test("Each node lists its own data center")
        func answering() throws {
            let query = try #require(NodeQuery(target: "/localnodes"))
            let other = Self.nodes.answering(as: Self.nodes.all[2])
            #expect(other.list(query) == #"["10.1.0.1"]"#)
        }

        @Test(
            "Other paths are none of the list",
            arguments: ["/", "", "/localnodes/", "/localnodesx", "/LOCALNODES", "x/localnodes"])
        func paths(target: String) {
            #expect(NodeQuery(target: target) == nil)
        }

        @Test("A node is an address, perhaps with a data center and a rack")
        func parsing() {
            typealias Node = ServedNodes.Node
            #expect(Node(parsing: "127.0.0.2") == Node("127.0.0.2"))
            #expect(Node(parsing: "::1,dc") == Node("::1", dataCenter: "dc"))
            #expect(Node(parsing: "a.B,dc,r") == Node("a.b", dataCenter: "dc", rack: "r"))
        }

        @Test("Only a GET of a model is a request for nodes")
        func routes() throws {
            func route(
                _ method: HTTPMethod, servesNodes: Bool
            ) throws(RequestRefusal) -> AcceptedHead.Route {
                let rules = RequestRules(boundTo: "127.0.0.1", servesNodes: servesNodes)
                return try rules.accept(
                    HTTPRequestHead(
                        version: .http1_1, method: method, uri: "/localnodes?dc=a",
                        headers: ["Host": "localhost"])
                ).route
            }
            let query = try #require(NodeQuery(target: "/localnodes?dc=a"))
            #expect(query.dataCenter == "a" && query.rack == nil)
            #expect(try route(.GET, servesNodes: true) == .nodes(query))
            #expect(throws: RequestRefusal.self) { try route(.GET, servesNodes: false) }
            #expect(throws: RequestRefusal.self) { try route(.POST, servesNodes: true) }
        }
    }
#endif
