#if Server
    import Testing

    @testable import CodexflowServer

    /// Which origins a browser sends.
    @Suite("Origins of pages")
    struct WebOriginTests {
        @Test(
            "An origin is a scheme, a host and perhaps a port",
            arguments: [
                ("https://a.example", "https://a.example"),
                ("HTTPS://A.Example", "https://a.example"),
                ("https://a.example:443", "https://a.example"),
                ("http://a.example:80", "http://a.example"),
                ("https://a.example:80", "https://a.example:80"),
                ("http://localhost:3000", "http://localhost:3000"),
                ("http://127.0.0.1:1", "http://127.0.0.1:1"),
                ("http://[::1]", "http://[::1]"),
                ("http://[2001:DB8::1]:65535", "http://[2001:db8::1]:65535"),
                ("chrome-extension://abc", "chrome-extension://abc"),
            ])
        func origins(text: String, sent: String) {
            #expect(WebOrigin(text)?.text == sent)
        }

        @Test(
            "What no browser sends is none",
            arguments: [
                "", "*", "null", "a.example", "https://", "://a.example", "https:a.example",
                "https://a.example/", "https://a.example/path", "https://a.example?a",
                "https://a.example#a", "https://*.a.example", "https://a.example\r\n",
                "https://a.example,https://b.example", "https://a.example https://b.example",
                "https://user@a.example", "https://a.example:", "https://a.example:0",
                "https://a.example:080", "https://a.example:65536", "https://a.example:+80",
                "https://a.example:x", "https://a.example.", "https://é.example",
                "1http://a.example", "ht tp://a.example", "http://[::1", "http://::1",
                "http://[\u{301}::1]", "http://[::1]\u{301}",
                "http://[0:0:0:0:0:0:0:1]", "http://[::ffff:127.0.0.1]", "http://2130706433",
                "file://", "https://" + String(repeating: "a", count: 300),
            ])
        func noOrigins(text: String) {
            #expect(WebOrigin(text) == nil)
        }
    }
#endif
