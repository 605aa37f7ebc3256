// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.site;

import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;

/**
 * Checks the rendered site: links within it must lead somewhere, anchors included; links out of it are listed; and
 * nothing that a page loads comes from a network.
 */
public final class LinkCheck {

    private final Path site;
    private final Map<Path, Set<String>> anchors = new HashMap<>();
    private final Set<String> external = new TreeSet<>();
    private final List<String> problems = new ArrayList<>();

    private LinkCheck(Path site) {
        this.site = site;
    }

    /**
     * Checks a site.
     *
     * @param arguments its folder, and the file for the list of external links
     */
    public static void main(String[] arguments) throws IOException {
        LinkCheck check = new LinkCheck(Path.of(arguments[0]).toAbsolutePath().normalize());
        int pages = check.all();
        Files.write(Path.of(arguments[1]), check.external);
        if (!check.problems.isEmpty()) {
            throw new IllegalStateException(check.problems.size() + " broken links of the site:\n"
                    + String.join("\n", check.problems.subList(0, Math.min(40, check.problems.size()))));
        }
        System.out.printf(
                "%d pages have no broken link; %d external links in %s%n", pages, check.external.size(), arguments[1]);
    }

    private int all() throws IOException {
        int pages = 0;
        for (Path file : Folders.files(site)) {
            // The Javadoc tool checks what it writes by itself.
            if (file.toString().endsWith(".html") && !file.startsWith(site.resolve("api"))) {
                page(file);
                pages++;
            }
        }
        return pages;
    }

    private void page(Path file) throws IOException {
        Document document = Jsoup.parse(Files.readString(file));
        for (Element element :
                document.select("a[href], link[href], img[src], script[src], source[src], iframe[src]")) {
            boolean loads = !element.tagName().equals("a");
            String link = element.attr(element.hasAttr("href") ? "href" : "src");
            if (link.isBlank()
                    || link.startsWith("data:")
                    || link.startsWith("mailto:")
                    || link.startsWith("javascript:")) {
                continue;
            }
            if (link.matches("(?i)(https?:)?//.*")) {
                external.add(link);
                if (loads && !element.attr("rel").equals("canonical")) {
                    problems.add(site.relativize(file) + " loads " + link + " from the network");
                }
            } else {
                within(file, link);
            }
        }
    }

    private void within(Path file, String link) throws IOException {
        int hash = link.indexOf('#');
        String path = URLDecoder.decode(
                (hash < 0 ? link : link.substring(0, hash)).replaceAll("\\?.*", ""), StandardCharsets.UTF_8);
        Path target = path.isEmpty()
                ? file
                : path.startsWith("/")
                        ? site.resolve(path.substring(1)).normalize()
                        : file.getParent().resolve(path).normalize();
        if (Files.isDirectory(target)) {
            target = target.resolve("index.html");
        }
        if (!target.startsWith(site) || !Files.isRegularFile(target)) {
            problems.add(site.relativize(file) + " links to " + link + ", which is not there");
        } else if (hash >= 0 && hash + 1 < link.length() && target.toString().endsWith(".html")) {
            String anchor = URLDecoder.decode(link.substring(hash + 1), StandardCharsets.UTF_8);
            if (!anchors(target).contains(anchor)) {
                problems.add(site.relativize(file) + " links to " + link + ", which has no such anchor");
            }
        }
    }

    private Set<String> anchors(Path file) throws IOException {
        Set<String> known = anchors.get(file);
        if (known == null) {
            known = new HashSet<>();
            for (Element element : Jsoup.parse(Files.readString(file)).select("[id], a[name]")) {
                known.add(element.hasAttr("id") ? element.attr("id") : element.attr("name"));
            }
            anchors.put(file, known);
        }
        return known;
    }
}
