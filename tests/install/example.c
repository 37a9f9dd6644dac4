#include <stdio.h>
#include <xuelian_verify.h>

static unsigned char genesis[1 << 20], proof[1 << 20],
    scratch[VERIFY_SCRATCH_SIZE(1 << 20, 1 << 20)];

int main(int argc, char **argv)
{
    static struct verify_result result;
    static char text[1 << 16];
    FILE *files[2] = {fopen(argv[1], "rb"), fopen(argv[argc - 1], "rb")};
    struct bytes g = {genesis, fread(genesis, 1, sizeof genesis, files[0])};
    struct bytes p = {proof, fread(proof, 1, sizeof proof, files[1])};
    verify_proof(&result, g, p, NULL, scratch, sizeof scratch);
    verify_report(text, sizeof text, &result, VERIFY_ENGLISH);
    return fputs(text, stdout) < 0 || result.status != ST_OK;
}
