// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.gallery.Gallery;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real documents have their places, links between them lead somewhere, and new ones are found. */
class NavigationTest {

    @TempDir
    private Path folder;

    private Map<String, String> titles() throws IOException {
        Map<String, String> titles =
                new TreeMap<>(new Documents(Path.of("..").toRealPath(), folder.resolve("pages")).write());
        titles.put("gallery/index.md", "Gallery");
        titles.put("gallery/helpers.md", "Helpers");
        Gallery.ROOMS.forEach(room -> GalleryPages.pages(room).forEach(page -> titles.put(page, page)));
        return titles;
    }

    @Test
    void all_documents_are_in_it_and_new_guides_come_by_themselves() throws IOException {
        Map<String, String> titles = titles();
        titles.put("guide/brand-new.md", "Brand new");
        String text = Navigation.configuration(titles, folder, folder);
        titles.keySet().forEach(page -> assertThat(text).contains(page));
        assertThat(text.lines().filter(line -> line.matches("  - .*:")).toList())
                .doesNotHaveDuplicates();
        assertThat(text.indexOf("brand-new.md"))
                .isBetween(text.indexOf("Using the library"), text.indexOf("Coming from PyTorch"));
    }

    @Test
    void a_page_of_a_new_folder_is_refused() throws IOException {
        Map<String, String> titles = titles();
        titles.put("novel/page.md", "Page");
        assertThatThrownBy(() -> Navigation.configuration(titles, folder, folder))
                .hasMessageContaining("novel/page.md is in no section");
    }

    @Test
    void a_listed_page_that_is_gone_is_named() throws IOException {
        Map<String, String> titles = titles();
        titles.remove("support.md");
        assertThatThrownBy(() -> Navigation.configuration(titles, folder, folder))
                .hasMessageContaining("do not exist: support.md");
    }
}
