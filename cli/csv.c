#include "cli/csv.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { READ_SIZE = 65536, ROW_ROOM = CSV_ROW_SIZE_MAX + 1, TEXT_ROOM = 2 * CSV_ROW_SIZE_MAX + 1 };

struct csv {
    gzFile in;
    char *path;
    struct csv_format format;
    iconv_t converter;
    uint8_t buffer[READ_SIZE];
    size_t buffered;
    size_t taken;
    bool ended;
    uint64_t file_size;
    uint32_t line;     /* of the next byte */
    uint32_t row_line; /* of the last row's first byte */
    char *raw;         /* the row as in the file, ROW_ROOM */
    size_t raw_size;
    char *text;   /* the row in UTF-8, TEXT_ROOM; cut into fields in place */
    char *header; /* owns the names */
    uint32_t column_count;
    const char *names[CSV_COLUMNS_MAX];
    const char *fields[CSV_COLUMNS_MAX];
};

/* The next byte, -1 at the end, -2 when the file cannot be read. */
static int next_byte(struct csv *csv)
{
    if (csv->taken == csv->buffered) {
        int got = csv->ended ? 0 : gzread(csv->in, csv->buffer, READ_SIZE);
        int error = Z_OK;
        gzerror(csv->in, &error);
        if (got < 0 || (error != Z_OK && error != Z_STREAM_END)) {
            return -2;
        }
        csv->ended = got == 0;
        csv->buffered = (size_t)got;
        csv->taken = 0;
        if (got == 0) {
            return -1;
        }
    }
    return csv->buffer[csv->taken++];
}

static bool keep(struct csv *csv, int byte)
{
    if (csv->raw_size == CSV_ROW_SIZE_MAX) {
        return false;
    }
    csv->raw[csv->raw_size++] = (char)byte;
    return true;
}

static bool fail_read(const struct csv *csv, struct fault *fault)
{
    return fault_set(fault, EXIT_IO,
                     "%s cannot be read beyond line %u: it is cut or damaged; get it again",
                     "无法继续读取 %s（第 %u 行之后）：文件被截断或损坏；请重新获取", csv->path,
                     (unsigned)csv->line);
}

/* A character of more than one byte in GB 18030 may have any delimiter among its later bytes. */
static int keep_character(struct csv *csv, int byte, bool *fits)
{
    int more = csv->format.encoding == CSV_GB18030 && byte >= 0x81 && byte <= 0xfe ? 1 : 0;
    *fits = keep(csv, byte) && *fits;
    for (int i = 0; i < more; i++) {
        int next = next_byte(csv);
        if (next < 0 || next == '\n') {
            return next;
        }
        if (next < '0') {
            csv->taken--; /* no part of a character: a quotation mark or delimiter of its own */
            return 0;
        }
        *fits = keep(csv, next) && *fits;
        if (i == 0 && next >= '0' && next <= '9') {
            more = 3;
        }
    }
    return 0;
}

/* Takes one row, without its line end, into raw: up to a line end outside of quotation marks. */
static enum csv_event take_row(struct csv *csv, struct fault *fault)
{
    bool fits = true;
    bool quoted = false;
    bool field_start = true;
    int byte = 0;
    csv->raw_size = 0;
    csv->row_line = csv->line;
    for (;;) {
        byte = next_byte(csv);
        if (byte == '"' && (quoted || field_start)) {
            quoted = !quoted;
            field_start = quoted ? false : true; /* so that "" goes on with the field */
            fits = keep(csv, byte) && fits;
            continue;
        }
        if (byte >= 0 && byte != '\n') {
            field_start = !quoted && byte == csv->format.delimiter;
            byte = keep_character(csv, byte, &fits);
        }
        csv->line += byte == '\n';
        /* A row too long is most often a quotation mark never closed: its end is the line's end. */
        if (byte < 0 || (byte == '\n' && (!quoted || !fits))) {
            break;
        }
        if (byte == '\n') {
            fits = keep(csv, byte) && fits;
        }
    }
    if (byte == -2) {
        fail_read(csv, fault);
        return CSV_FAILED;
    }
    if (byte == -1 && csv->raw_size == 0) {
        return CSV_END;
    }
    if (!fits || quoted) {
        fault_set(fault, EXIT_REFUSED,
                  quoted ? "a quotation mark is never closed; the row begins at line %u"
                         : "the row that begins at line %u is longer than 1 MiB",
                  quoted ? "引号没有闭合；该行始于第 %u 行" : "第 %u 行起的一行超过 1 MiB",
                  (unsigned)csv->row_line);
        return CSV_BAD_ROW;
    }
    if (csv->raw_size > 0 && csv->raw[csv->raw_size - 1] == '\r') {
        csv->raw_size--;
    }
    return CSV_ROW;
}

/* Into UTF-8, checked: also text that is UTF-8 already. Out: *size. */
static bool convert(struct csv *csv, size_t *size, struct fault *fault)
{
    char *from = csv->raw;
    size_t left = csv->raw_size;
    char *to = csv->text;
    size_t room = TEXT_ROOM - 1;
    iconv(csv->converter, NULL, NULL, NULL, NULL);
    if (iconv(csv->converter, &from, &left, &to, &room) == (size_t)-1 || left != 0 ||
        memchr(csv->raw, 0, csv->raw_size) != NULL) {
        return fault_set(fault, EXIT_REFUSED, "byte %zu of the row is not %s; check the encoding",
                         "该行第 %zu 字节不是 %s 编码；请检查编码", csv->raw_size - left + 1,
                         csv->format.encoding == CSV_UTF8 ? "UTF-8" : "GB 18030");
    }
    *size = TEXT_ROOM - 1 - room;
    csv->text[*size] = '\0';
    return true;
}

/* Unquotes a field in place. Returns what is behind it, or NULL when it is malformed. */
static char *take_field(char *at, char delimiter, const char **field)
{
    if (*at != '"') {
        char *end = at;
        while (*end != '\0' && *end != delimiter) {
            if (*end == '"') {
                return NULL;
            }
            end++;
        }
        *field = at;
        return end;
    }
    char *out = at;
    char *in = at + 1;
    *field = out;
    while (*in != '\0' && !(in[0] == '"' && in[1] != '"')) {
        in += in[0] == '"';
        *out++ = *in++;
    }
    if (*in != '"' || (in[1] != '\0' && in[1] != delimiter)) {
        return NULL;
    }
    /* The end of the field is written only when what follows was looked at. */
    *out = '\0';
    return in + 1;
}

/* Cuts the text into fields. Out: *count, also when there are too many. */
static bool split(struct csv *csv, uint32_t *count, struct fault *fault)
{
    char *at = csv->text;
    *count = 0;
    for (;;) {
        const char *field = NULL;
        char *end = take_field(at, csv->format.delimiter, &field);
        if (end == NULL) {
            return fault_set(fault, EXIT_REFUSED,
                             "a quotation mark stands inside field %u; write it twice, and the "
                             "field in quotation marks",
                             "第 %u 个字段内有引号；请写成两个，并用引号括住该字段",
                             (unsigned)*count + 1);
        }
        if (*count < CSV_COLUMNS_MAX) {
            csv->fields[*count] = field;
        }
        (*count)++;
        bool last = *end == '\0';
        *end = '\0';
        if (last) {
            return true;
        }
        at = end + 1;
    }
}

enum csv_event csv_next(struct csv *csv, const char *const **fields, struct fault *fault)
{
    enum csv_event event = CSV_ROW;
    size_t size = 0;
    uint32_t count = 0;
    do {
        event = take_row(csv, fault);
    } while (event == CSV_ROW && csv->raw_size == 0); /* blank lines are passed over */
    if (event != CSV_ROW) {
        return event;
    }
    if (!convert(csv, &size, fault) || !split(csv, &count, fault)) {
        return CSV_BAD_ROW;
    }
    if (count != csv->column_count) {
        fault_set(fault, EXIT_REFUSED, "the row has %u fields, the header %u",
                  "该行有 %u 个字段，表头有 %u 个", (unsigned)count, (unsigned)csv->column_count);
        return CSV_BAD_ROW;
    }
    *fields = csv->fields;
    return CSV_ROW;
}

static bool open_stream(struct csv *csv, struct fault *fault)
{
    size_t size = strlen(csv->path);
    bool packed = size > 3 && strcmp(csv->path + size - 3, ".gz") == 0;
    csv->in = gzopen(csv->path, "re");
    if (csv->in == NULL) {
        return errno == ENOENT
                   ? fault_set(fault, EXIT_USAGE, "there is no table %s; check the path",
                               "没有数据表 %s；请检查路径", csv->path)
                   : fault_set(fault, EXIT_IO, "the table %s cannot be opened: %s",
                               "无法打开数据表 %s：%s", csv->path, strerror(errno));
    }
    gzbuffer(csv->in, READ_SIZE);
    struct stat info;
    csv->file_size = stat(csv->path, &info) == 0 && info.st_size > 0 ? (uint64_t)info.st_size : 1;
    if (packed && gzdirect(csv->in) == 1) {
        return fault_set(fault, EXIT_USAGE,
                         "%s is not a gzip file; give it a name without .gz, or compress it",
                         "%s 不是 gzip 文件；请去掉 .gz 后缀或压缩它", csv->path);
    }
    csv->converter = iconv_open("UTF-8", csv->format.encoding == CSV_UTF8 ? "UTF-8" : "GB18030");
    if (csv->converter == (iconv_t)-1) {
        return fault_set(fault, EXIT_IO,
                         "this system cannot convert GB 18030; convert %s to UTF-8 first",
                         "本系统无法转换 GB 18030；请先将 %s 转换为 UTF-8", csv->path);
    }
    return true;
}

static bool read_header(struct csv *csv, struct fault *fault)
{
    size_t size = 0;
    uint32_t count = 0;
    enum csv_event event = CSV_ROW;
    do {
        event = take_row(csv, fault);
    } while (event == CSV_ROW && csv->raw_size == 0);
    if (event == CSV_FAILED) {
        return false;
    }
    if (event == CSV_END) {
        return fault_set(fault, EXIT_USAGE, "%s is empty; its first row must name the columns",
                         "%s 是空文件；首行须为列名", csv->path);
    }
    if (event == CSV_ROW && csv->raw_size >= 3 && memcmp(csv->raw, "\xef\xbb\xbf", 3) == 0) {
        csv->raw_size -= 3;
        memmove(csv->raw, csv->raw + 3, csv->raw_size);
    }
    if (event == CSV_BAD_ROW || !convert(csv, &size, fault) || !split(csv, &count, fault)) {
        struct fault why = *fault;
        return fault_set(fault, EXIT_USAGE, "the header of %s: %s%.0s", "%s 的表头：%.0s%s",
                         csv->path, why.en, why.zh);
    }
    if (count > CSV_COLUMNS_MAX) {
        return fault_set(fault, EXIT_USAGE, "%s has %u columns; at most 256",
                         "%s 有 %u 列；至多 256", csv->path, (unsigned)count);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (csv_column_find(csv, csv->fields[i]) >= 0 || strchr(csv->fields[i], '.') != NULL ||
            csv->fields[i][0] == '\0') {
            return fault_set(fault, EXIT_USAGE,
                             "column '%s' of %s is there twice, has no name or has a dot in it",
                             "列“%s”（%s）重复、无名或含有句点", csv->fields[i], csv->path);
        }
        csv->names[i] = csv->fields[i];
        csv->column_count = i + 1;
    }
    /* The names stay in the first text; rows get another. */
    csv->header = csv->text;
    csv->text = malloc(TEXT_ROOM);
    return csv->text != NULL || fault_set(fault, EXIT_IO, "out of memory", "内存不足");
}

bool csv_open(struct csv **csv, const char *path, const struct csv_format *format,
              struct fault *fault)
{
    struct csv *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    }
    made->converter = (iconv_t)-1;
    made->format = *format;
    made->line = 1;
    made->path = strdup(path);
    made->raw = malloc(ROW_ROOM);
    made->text = malloc(TEXT_ROOM);
    bool opened = made->path != NULL && made->raw != NULL && made->text != NULL;
    opened = opened ? open_stream(made, fault) && read_header(made, fault)
                    : fault_set(fault, EXIT_IO, "out of memory", "内存不足");
    if (!opened) {
        csv_close(made);
        return false;
    }
    *csv = made;
    return true;
}

void csv_close(struct csv *csv)
{
    if (csv == NULL) {
        return;
    }
    if (csv->in != NULL) {
        gzclose(csv->in);
    }
    if (csv->converter != (iconv_t)-1) {
        iconv_close(csv->converter);
    }
    free(csv->path);
    free(csv->raw);
    free(csv->text);
    free(csv->header);
    free(csv);
}

uint32_t csv_column_count(const struct csv *csv)
{
    return csv->column_count;
}

const char *csv_column_name(const struct csv *csv, uint32_t column)
{
    return csv->names[column];
}

int csv_column_find(const struct csv *csv, const char *name)
{
    for (uint32_t i = 0; i < csv->column_count; i++) {
        if (strcmp(csv->names[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

uint32_t csv_line(const struct csv *csv)
{
    return csv->row_line;
}

uint32_t csv_progress(const struct csv *csv)
{
    z_off_t offset = gzoffset(csv->in);
    uint64_t part = offset > 0 ? (uint64_t)offset * 1000 / csv->file_size : 0;
    return part > 1000 ? 1000 : (uint32_t)part;
}
