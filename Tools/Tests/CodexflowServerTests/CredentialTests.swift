#if Server
    import CodexCore
    import CodexSignatures
    import Testing

    @testable import CodexflowServer

    /// What a server takes as its credentials and its region.
    @Suite("Credentials")
    struct CredentialTests {
        private func credentials(_ id: String?, _ secret: String?) throws -> Credentials? {
            let variables = [
                "CODEXFLOW_ACCESS_KEY_ID": id, "CODEXFLOW_SECRET_ACCESS_KEY": secret,
            ]
            return try Credentials(variables.compactMapValues { $0 }, region: "us-east-1")
        }

        /// A header with an access key and a region.
        private func header(_ id: String, _ region: String) -> AuthorizationHeader? {
            AuthorizationHeader(
                "AWS4-HMAC-SHA256 Credential=\(id)/20261128/\(region)/dynamodb/aws4_request, "
                    + "SignedHeaders=host;x-amz-date;x-amz-target, "
                    + "Signature=\(String(repeating: "0a", count: 32))")
        }

        @Test("There are two variables, or none")
        func pairs() throws {
            let none: [(id: String?, secret: String?)] = [(nil, nil), ("", ""), (nil, "")]
            for (id, secret) in none { #expect(try credentials(id, secret)?.accessKeyID == nil) }
            let alone: [(id: String?, secret: String?)] = [
                ("KEY", nil), ("KEY", ""), (nil, "S"), ("", "S"),
            ]
            for (id, secret) in alone {
                #expect(throws: CodexError.self) { try credentials(id, secret) }
            }
            #expect(try credentials("KEY", "S ,/=")?.accessKeyID == "KEY")
        }

        @Test("An access key that no signature can name is refused")
        func accessKeys() throws {
            for id in ["a/b", "a,b", "a b", "a\n", "é"] {
                #expect(throws: CodexError.self) { try credentials(id, "S") }
            }
            let bound = AuthorizationHeader.accessKeyIDByteCountMax
            for count in [bound - 1, bound] {
                let id = String(repeating: "=", count: count)
                #expect(try credentials(id, "S")?.accessKeyID == id)
                #expect(header(id, "us-east-1")?.accessKeyID == id)
            }
            let long = String(repeating: "a", count: bound + 1)
            #expect(throws: CodexError.self) { try credentials(long, "S") }
        }

        @Test("A region is what signatures can name")
        func regions() {
            func long(_ count: Int) -> String { String(repeating: "a", count: count) }
            let regions = ["us-east-1", "local", long(63), long(64)]
            let none = ["", "US-EAST-1", "a b", "a/b", "é", long(65)]
            for region in regions + none {
                let isRegion = regions.contains(region)
                #expect(AuthorizationHeader.isRegion(region) == isRegion, "\(region)")
                #expect((header("KEY", region) != nil) == isRegion, "\(region)")
            }
        }
    }
#endif
