#if Remote
    import CodexCore
    import Foundation
    import Testing

    @testable import CodexRemote

    /// Where a client finds its service.
    @Suite("Regions and endpoints")
    struct EndpointTests {
        @Test(
            "Addresses of services",
            arguments: [
                ("http://localhost:8000", "http://localhost:8000/", "localhost:8000"),
                ("HTTPS://Example.com/", "https://example.com/", "example.com"),
                ("https://a:443", "https://a/", "a"), ("http://a:80", "http://a/", "a"),
                ("http://a:443", "http://a:443/", "a:443"),
                ("http://[::1]:1", "http://[::1]:1/", "[::1]:1"),
                ("http://127.0.0.1:65535", "http://127.0.0.1:65535/", "127.0.0.1:65535"),
            ])
        func addresses(text: String, url: String, host: String) throws {
            let endpoint = try ServiceEndpoint(parsing: text)
            #expect(endpoint.url == url && endpoint.hostHeader == host)
        }

        @Test(
            "What is no address of a service",
            arguments: [
                "", "localhost", "ftp://a", "http://", "http:///", "http://a/b", "http://a?b",
                "http://a#b", "http://u@a", "http://a:", "http://a:0", "http://a:65536",
                "http://a:+1", "http://a:1:2", "http://[::1", "http://[]", "http://[::1]x",
                "http://a b", "http://é", "http://a\r\nb",
            ])
        func malformed(text: String) {
            #expect(throws: CodexError(.invalidArgument, "")) {
                _ = try ServiceEndpoint(parsing: text)
            }
        }

        @Test(
            "Another host has the same scheme and port",
            arguments: [
                ("http://a:8000", "10.0.0.1", "http://10.0.0.1:8000/"),
                ("https://a", "B.example", "https://b.example/"),
                ("http://a:8000", "2001:DB8::1", "http://[2001:db8::1]:8000/"),
                ("https://[::1]:8043", "[::2]", "https://[::2]:8043/"),
                ("http://a:8000", "a/b", nil), ("http://a:8000", "", nil),
                ("http://a:8000", "u@a", nil), ("http://a:8000", "a\r\nb", nil),
            ] as [(String, String, String?)])
        func siblings(text: String, host: String, url: String?) throws {
            #expect(try ServiceEndpoint(parsing: text).sibling(host)?.url == url)
        }

        private func place(
            _ environment: [String: String] = [:], config: String = "", region: String? = nil,
            endpoint: String? = nil
        ) throws -> ServicePlace {
            let variables = environment.merging(["HOME": "/h"]) { $1 }
            let files = SharedFiles(environment: variables) { path in
                path == "/h/.aws/config" ? Array(config.utf8) : nil
            }
            return try ServicePlace(region: region, endpoint: endpoint, files)
        }

        @Test("A region gives the endpoint of its partition")
        func partitions() throws {
            let hosts = [
                "eu-central-1": "amazonaws.com", "cn-north-1": "amazonaws.com.cn",
                "us-gov-west-1": "amazonaws.com", "us-iso-east-1": "c2s.ic.gov",
                "us-isob-east-1": "sc2s.sgov.gov",
            ]
            for (region, domain) in hosts {
                #expect(
                    try place(region: region).endpoint.url
                        == "https://dynamodb.\(region).\(domain)/")
            }
        }

        @Test("Options come before the environment, and that before the profile")
        func order() throws {
            let config = """
                [default]
                region = profile-1
                endpoint_url = http://profile
                services = local
                [services local]
                dynamodb =
                  endpoint_url = http://service
                """
            #expect(try place(config: config).region == "profile-1")
            #expect(try place(config: config).endpoint.host == "service")
            let some = ["AWS_DEFAULT_REGION": "default-1", "AWS_ENDPOINT_URL": "http://all"]
            #expect(try place(some, config: config).region == "default-1")
            #expect(try place(some, config: config).endpoint.host == "all")
            let more = some.merging([
                "AWS_REGION": "env-1", "AWS_ENDPOINT_URL_DYNAMODB": "http://one",
            ]) { $1 }
            #expect(try place(more, config: config).region == "env-1")
            #expect(try place(more, config: config).endpoint.host == "one")
            let options = try place(
                more, config: config, region: "option-1", endpoint: "http://option")
            #expect(options.region == "option-1" && options.endpoint.host == "option")
            let ignoring = more.merging(["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"]) { $1 }
            #expect(
                try place(ignoring, config: config).endpoint.host
                    == "dynamodb.env-1.amazonaws.com")
        }

        @Test("Streams have the host of AWS, the address of a variable, or that of the table")
        func streams() throws {
            let hosts = ["eu-central-1": "amazonaws.com", "cn-north-1": "amazonaws.com.cn"]
            for (region, domain) in hosts {
                #expect(
                    try place(region: region).streamsEndpoint.url
                        == "https://streams.dynamodb.\(region).\(domain)/")
            }
            let table = ["AWS_ENDPOINT_URL_DYNAMODB": "http://one"]
            #expect(try place(table).streamsEndpoint.host == "one")
            let both = table.merging(["AWS_ENDPOINT_URL_DYNAMODB_STREAMS": "http://two"]) { $1 }
            #expect(try place(both).streamsEndpoint.host == "two")
            #expect(try place(both).endpoint.host == "one")
            #expect(try place(both, endpoint: "http://option").streamsEndpoint.host == "option")
            let own = try place(endpoint: "http://dynamodb.internal").streamsEndpoint
            #expect(own.host == "dynamodb.internal")
        }

        @Test("Without a region, only a given endpoint has a place")
        func noRegion() throws {
            #expect(throws: CodexError(.invalidArgument, "")) { _ = try place() }
            #expect(try place(endpoint: "http://localhost:8000").region == "us-east-1")
        }

        @Test(
            "A host of AWS has the region of the signatures",
            arguments: [
                ("dynamodb.eu-central-1.amazonaws.com", "eu-central-1"),
                ("dynamodb.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
                ("dynamodb-fips.us-west-2.amazonaws.com:443", "us-west-2"),
                ("123456789012.ddb.ap-southeast-2.amazonaws.com", "ap-southeast-2"),
                ("dynamodb.eu-west-1.api.aws", "eu-west-1"),
                ("vpce-1a2b.dynamodb.eu-north-1.vpce.amazonaws.com", "eu-north-1"),
                ("dynamodb.cn-north-1.amazonaws.com.cn", "cn-north-1"),
                ("dynamodb.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
                ("vpce-1a2b.dynamodb.cn-north-1.vpce.amazonaws.com.cn", "cn-north-1"),
                ("dynamodb.cn-north-1.api.amazonwebservices.com.cn", "cn-north-1"),
                ("dynamodb.eusc-de-east-1.api.amazonwebservices.eu", "eusc-de-east-1"),
                ("dynamodb.us-iso-east-1.api.aws.ic.gov", "us-iso-east-1"),
                ("DynamoDB.EU-West-1.amazonaws.com.", "eu-west-1"),
                ("dynamodb.amazonaws.com", nil), ("eu-central-1.amazonaws.com", nil),
                ("amazonaws.com", nil), ("dynamodb.eu-central-1.example.com", nil),
                ("dynamodb.eu-central-1.amazonaws.com.example.com", nil),
                ("host.compute-1.amazonaws.com", nil),
                ("host.eu-central-1.compute.amazonaws.com", nil), ("10.0.0.1", nil),
                ("[::1]:8000", nil),
            ] as [(String, String?)])
        func regionsOfHosts(host: String, region: String?) throws {
            let address = "https://" + host
            #expect(try ServiceEndpoint(parsing: address).awsRegion == region)
            #expect(try place(endpoint: address).region == region ?? "us-east-1")
            let variable = ["AWS_ENDPOINT_URL": address]
            #expect(try place(variable).region == region ?? "us-east-1")
            // What is set by itself comes first.
            #expect(try place(region: "us-east-2", endpoint: address).region == "us-east-2")
            #expect(try place(["AWS_REGION": "us-east-2"], endpoint: address).region == "us-east-2")
        }

        @Test(
            "The streams of AWS's other hosts have hosts of their own",
            arguments: [
                (
                    "dynamodb-fips.us-west-2.amazonaws.com",
                    "streams.dynamodb-fips.us-west-2.amazonaws.com"
                ),
                ("dynamodb.eu-west-1.api.aws", "streams-dynamodb.eu-west-1.api.aws"),
                ("dynamodb-fips.us-east-2.api.aws", "streams-dynamodb-fips.us-east-2.api.aws"),
                (
                    "dynamodb.cn-north-1.api.amazonwebservices.com.cn",
                    "streams-dynamodb.cn-north-1.api.amazonwebservices.com.cn"
                ),
                (
                    "dynamodb.eusc-de-east-1.api.amazonwebservices.eu",
                    "streams.dynamodb.eusc-de-east-1.api.amazonwebservices.eu"
                ),
                (
                    "123456789012.ddb.ap-southeast-2.amazonaws.com",
                    "streams.dynamodb.ap-southeast-2.amazonaws.com"
                ),
                (
                    "dynamodb.eu-west-1.amazonaws.com.",
                    "streams.dynamodb.eu-west-1.amazonaws.com."
                ),
                ("vpce-1a2b.dynamodb.eu-north-1.vpce.amazonaws.com", nil),
                ("123456789012.ddb.eu-west-1.example.com", nil),
                ("dynamodb-fips.example.com", nil), ("dynamodb.eu-west-1.api.aws.example", nil),
            ] as [(String, String?)])
        func streamsOfHosts(host: String, streams: String?) throws {
            let found = try place(endpoint: "https://\(host):8443").streamsEndpoint
            #expect(found.host == streams ?? host)
            #expect(found.port == 8443 && found.isSecure)
        }

        @Test("Each region is found again in the host of its endpoint")
        func ownHosts() throws {
            for region in ["eu-central-1", "cn-north-1", "us-iso-east-1", "eusc-de-east-1"] {
                let endpoint = try ServiceEndpoint(region: region)
                #expect(endpoint.awsRegion == region && endpoint.ofStreams.awsRegion == region)
            }
        }
    }
#endif
