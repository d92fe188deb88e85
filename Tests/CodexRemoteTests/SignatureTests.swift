#if Remote
    import CodexCore
    import CodexSignatures
    import Foundation
    import Testing

    @testable import CodexRemote

    /// Signatures against AWS's published vectors, and against those of another client.
    @Suite("Signatures of requests")
    struct SignatureTests {
        private static let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

        private func signature(_ headers: [(name: String, value: String)]) throws -> String {
            let header = try #require(headers.last { $0.name == "authorization" })
            return try #require(header.value.components(separatedBy: "Signature=").last)
        }

        /// The suite "aws-sig-v4-test-suite" of AWS: get-vanilla, post-vanilla and
        /// get-vanilla-query-order-key-case.
        @Test(
            "AWS's test vectors",
            arguments: [
                ("GET", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
                ("POST", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
                (
                    "GET", "Param1=value1&Param2=value2",
                    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
                ),
            ])
        func vectors(method: String, query: String, expected: String) throws {
            let signer = RequestSigner(region: "us-east-1", service: "service")
            let key = AWSCredentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: Self.secret)
            let headers = signer.signed(
                [(name: "host", value: "example.amazonaws.com")], body: [], with: key,
                at: Date(timeIntervalSince1970: 1_440_938_160), method: method, query: query)
            #expect(try signature(headers) == expected)
            let authorization = try #require(headers.last).value
            #expect(
                authorization.hasPrefix(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
                        + "aws4_request, SignedHeaders=host;x-amz-date, "))
        }

        /// Signed by botocore 1.43.11 for the same key, date and body.
        @Test(
            "Requests of DynamoDB, with and without a token",
            arguments: [
                (
                    nil, "a9799f0b3eddee452ab0641e9726d3cd42e148f3ad0d5a816aefaed051be7018",
                    "content-type;host;x-amz-date;x-amz-target"
                ),
                (
                    "TOKEN/with+signs==",
                    "1a251f327078ca2e65b5d590fbf0a0415a7cce225a5499ac0bb4852e406dca56",
                    "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
                ),
            ] as [(String?, String, String)])
        func requests(token: String?, expected: String, names: String) throws {
            let signer = RequestSigner(region: "eu-central-1")
            let key = AWSCredentials(
                accessKeyID: "AKIDEXAMPLE", secretAccessKey: Self.secret, sessionToken: token)
            let date = try #require(Timestamp.date("2026-11-28T03:15:00Z"))
            let headers = signer.signed(
                [
                    (name: "content-type", value: "application/x-amz-json-1.0"),
                    (name: "host", value: "dynamodb.eu-central-1.amazonaws.com"),
                    (name: "x-amz-target", value: "DynamoDB_20120810.DescribeTable"),
                ], body: Array(#"{"TableName":"t"}"#.utf8), with: key, at: date)
            #expect(try signature(headers) == expected)
            let authorization = try #require(headers.last).value
            let header = try #require(AuthorizationHeader(authorization))
            #expect(header.signedHeaders.joined(separator: ";") == names)
            #expect(header.scope.text == "20261128/eu-central-1/dynamodb/aws4_request")
        }

        @Test("A key that is kept signs as a new one, also after a change of the day")
        func keptKey() throws {
            let kept = RequestSigner(region: "us-east-1")
            let key = AWSCredentials(accessKeyID: "A", secretAccessKey: Self.secret)
            for second in [0.0, 1, 86_400, 86_401, 0] {
                let date = Date(timeIntervalSince1970: 1_440_938_160 + second)
                let headers = [(name: "host", value: "h")]
                let fresh = RequestSigner(region: "us-east-1")
                let left = kept.signed(headers, body: [1], with: key, at: date)
                let right = fresh.signed(headers, body: [1], with: key, at: date)
                #expect(try signature(left) == signature(right))
            }
        }

        @Test("The description of credentials has no secret")
        func secrets() {
            let key = AWSCredentials(
                accessKeyID: "ID", secretAccessKey: "HIDDEN", sessionToken: "HIDDEN")
            var text = "\(key) \(String(reflecting: key))"
            dump(key, to: &text)
            #expect(!text.contains("HIDDEN"))
        }
    }
#endif
