// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinkCheckTest {

    @TempDir
    private Path site;

    private void check(String body) throws IOException {
        Files.writeString(site.resolve("a.html"), body);
        Files.writeString(site.resolve("b.html"), "<h1 id='top'>b</h1>");
        LinkCheck.main(
                new String[] {site.toString(), site.resolve("external.txt").toString()});
    }

    @Test
    void good_links_pass_and_external_ones_are_listed() throws IOException {
        check("<a href='b.html#top'>b</a> <a href='https://example.org/x'>x</a>");
        assertThat(site.resolve("external.txt")).hasContent("https://example.org/x");
    }

    @Test
    void broken_ones_are_named() {
        assertThatThrownBy(() -> check("<a href='c.html'>c</a>")).hasMessageContaining("a.html links to c.html");
        assertThatThrownBy(() -> check("<a href='b.html#end'>c</a>")).hasMessageContaining("no such anchor");
        assertThatThrownBy(() -> check("<img src='d.png'>")).hasMessageContaining("d.png");
        assertThatThrownBy(() -> check("<script src='https://example.org/x.js'></script>"))
                .hasMessageContaining("from the network");
    }
}
