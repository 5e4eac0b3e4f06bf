"""Labelled keys: 110 shapes of issuers, drawn anew by a fixed seed, and what documentation writes in their place. All made up by us."""

from __future__ import annotations

import base64
import random
import string

from tests.checks.labelled import Case, clean

_DRAW, _ANY, _HEX = random.Random(11), string.ascii_letters + string.digits, "0123456789abcdef"


def _r(n: int, letters: str = _ANY) -> str:
    return "".join(_DRAW.choice(letters) for _ in range(n))


_SHAPES = {
    "openai_proj": lambda: "sk-proj-" + _r(74, _ANY + "_-") + "T3BlbkFJ" + _r(74, _ANY + "_-"),
    "openai_old": lambda: "sk-" + _r(20) + "T3BlbkFJ" + _r(20),
    "openai_svc": lambda: "sk-svcacct-" + _r(58, _ANY + "_-") + "T3BlbkFJ" + _r(58, _ANY + "_-"),
    "openai_short": lambda: "sk-proj-" + _r(48),
    "openai_None": lambda: "sk-None-" + _r(48),
    "anthropic": lambda: "sk-ant-api03-" + _r(93, _ANY + "_-") + "AA",
    "anthropic_admin": lambda: "sk-ant-admin01-" + _r(93, _ANY + "_-") + "AA",
    "anthropic_oat": lambda: "sk-ant-oat01-" + _r(93, _ANY + "_-") + "AA",
    "google": lambda: "AIza" + "Sy" + _r(33, _ANY + "_-"),
    "aws": lambda: "AKIA" + _r(16, string.ascii_uppercase + "234567"),
    "aws_sts": lambda: "ASIA" + _r(16, string.ascii_uppercase + "234567"),
    "aws_secret": lambda: "aws_secret_access_key = " + _r(40, _ANY + "/+"),
    "aws_secret2": lambda: "AWS_SECRET_ACCESS_KEY=" + _r(40, _ANY + "/+"),
    "aws_secret3": lambda: "secretAccessKey: '" + _r(40, _ANY + "/+") + "'",
    "ghp": lambda: "ghp_" + _r(36),
    "gho": lambda: "gho_" + _r(36),
    "ghs": lambda: "ghs_" + _r(36),
    "ghu": lambda: "ghu_" + _r(36),
    "ghr": lambda: "ghr_" + _r(76),
    "github_pat": lambda: "github_pat_" + _r(22) + "_" + _r(59),
    "slack_b": lambda: "xoxb-" + _r(12, "0123456789") + "-" + _r(13, "0123456789") + "-" + _r(24),
    "slack_p": lambda: (
        "xoxp-" + _r(12, "0123456789") + "-" + _r(12, "0123456789") + "-" + _r(12, "0123456789") + "-" + _r(32, _HEX)
    ),
    "slack_app": lambda: (
        "xapp-1-A" + _r(10, string.ascii_uppercase + string.digits) + "-" + _r(13, "0123456789") + "-" + _r(64, _HEX)
    ),
    "slack_xoxe": lambda: "xoxe.xoxp-1-" + _r(120),
    "slack_hook": lambda: (
        "https://hooks.slack.com/services/T"
        + _r(10, string.ascii_uppercase + string.digits)
        + "/B"
        + _r(10, string.ascii_uppercase + string.digits)
        + "/"
        + _r(24)
    ),
    "stripe": lambda: "sk_live_" + _r(24),
    "stripe2": lambda: "sk_test_51" + _r(97),
    "stripe_rk": lambda: "rk_live_" + _r(24),
    "whsec": lambda: "whsec_" + _r(32),
    "stripe_org": lambda: "sk_org_live_" + _r(40),
    "hf": lambda: "hf_" + _r(34),
    "hf2": lambda: "hf_" + _r(34, string.ascii_letters),
    "gitlab": lambda: "glpat-" + _r(20, _ANY + "_-"),
    "gitlab_routable": lambda: "glpat-" + _r(27, _ANY + "_-") + "." + _r(9, _HEX),
    "gitlab_runner": lambda: "glrt-" + _r(20),
    "npm": lambda: "npm_" + _r(36),
    "pypi": lambda: "pypi-AgEIcHlwaS5vcmc" + _r(150, _ANY + "_-"),
    "sendgrid": lambda: "SG." + _r(22, _ANY + "_-") + "." + _r(43, _ANY + "_-"),
    "twilio_sid": lambda: "SK" + _r(32, _HEX),
    "twilio": lambda: "TWILIO_AUTH_TOKEN=" + _r(32, _HEX),
    "telegram": lambda: _r(10, "123456789") + ":AA" + _r(33, _ANY + "_-"),
    "discord": lambda: "MT" + _r(24) + "." + "G" + _r(5) + "." + _r(38, _ANY + "_-"),
    "do": lambda: "dop_v1_" + _r(64, _HEX),
    "databricks": lambda: "dapi" + _r(32, _HEX),
    "mailgun": lambda: "key-" + _r(32, _HEX),
    "azure": lambda: (
        "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey="
        + _r(86, _ANY + "+/")
        + "==;EndpointSuffix=core.windows.net"
    ),
    "groq": lambda: "gsk_" + _r(52),
    "xai": lambda: "xai-" + _r(80),
    "perplexity": lambda: "pplx-" + _r(48),
    "replicate": lambda: "r8_" + _r(37),
    "openrouter": lambda: "sk-or-v1-" + _r(64, _HEX),
    "deepseek": lambda: "sk-" + _r(32, _HEX),
    "together": lambda: "tgp_v1_" + _r(43, _ANY + "_-"),
    "fireworks": lambda: "fw_" + _r(24),
    "cohere": lambda: "COHERE_API_KEY=" + _r(40),
    "mistral": lambda: "MISTRAL_API_KEY=" + _r(32),
    "langsmith": lambda: "lsv2_pt_" + _r(32, _HEX) + "_" + _r(10, _HEX),
    "wandb": lambda: "WANDB_API_KEY=" + _r(40, _HEX),
    "nvapi": lambda: "nvapi-" + _r(64, _ANY + "_-"),
    "cerebras": lambda: "csk-" + _r(48, string.ascii_lowercase + string.digits),
    "elevenlabs": lambda: "sk_" + _r(48, _HEX),
    "voyage": lambda: "pa-" + _r(43, _ANY + "_-"),
    "google_oauth": lambda: "ya29." + _r(100, _ANY + "_-"),
    "gcp_secret": lambda: "GOCSPX-" + _r(28, _ANY + "_-"),
    "gcp_sa": lambda: (
        '{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\n'
        + _r(64, _ANY + "+/")
        + "\\n"
        + _r(64, _ANY + "+/")
        + '\\n-----END PRIVATE KEY-----\\n"}'
    ),
    "shopify": lambda: "shpat_" + _r(32, _HEX),
    "square": lambda: "sq0atp-" + _r(22, _ANY + "_-"),
    "square2": lambda: "EAAA" + _r(60, _ANY + "_-"),
    "linear": lambda: "lin_api_" + _r(40),
    "notion": lambda: "secret_" + _r(43),
    "notion2": lambda: "ntn_" + _r(46),
    "figma": lambda: "figd_" + _r(40, _ANY + "_-"),
    "airtable": lambda: "pat" + _r(14) + "." + _r(64, _HEX),
    "dockerhub": lambda: "dckr_pat_" + _r(27, _ANY + "_-"),
    "vault": lambda: "hvs." + _r(90, _ANY + "_-"),
    "newrelic": lambda: "NRAK-" + _r(27, string.ascii_uppercase + string.digits),
    "grafana": lambda: "glsa_" + _r(32) + "_" + _r(8, _HEX),
    "grafana_c": lambda: "glc_eyJ" + _r(60),
    "sentry": lambda: "sntrys_eyJ" + _r(80),
    "supabase": lambda: "sbp_" + _r(40, _HEX),
    "supabase2": lambda: "sb_secret_" + _r(31, _ANY + "_-"),
    "age": lambda: "AGE-SECRET-KEY-1" + _r(58, string.ascii_uppercase + string.digits),
    "atlassian": lambda: "ATATT3xFfGF0" + _r(170, _ANY + "_-="),
    "dropbox": lambda: "sl." + _r(130, _ANY + "_-"),
    "facebook": lambda: "EAA" + _r(150),
    "tailscale": lambda: "tskey-auth-" + _r(17) + "-" + _r(32),
    "pulumi": lambda: "pul-" + _r(40, _HEX),
    "planetscale": lambda: "pscale_tkn_" + _r(43, _ANY + "_-"),
    "doppler": lambda: "dp.pt." + _r(43),
    "cloudflare": lambda: "CLOUDFLARE_API_TOKEN=" + _r(40, _ANY + "_-"),
    "heroku": lambda: "HRKU-AA" + _r(58, _ANY + "_-"),
    "postman": lambda: "PMAK-" + _r(24, _HEX) + "-" + _r(34, _HEX),
    "mailchimp": lambda: _r(32, _HEX) + "-us12",
    "rubygems": lambda: "rubygems_" + _r(48, _HEX),
    "terraform": lambda: _r(14) + ".atlasv1." + _r(65, _ANY + "_-"),
    "asana": lambda: "ASANA_PAT=1/" + _r(16, "0123456789") + ":" + _r(32, _HEX),
    "sonar": lambda: "sqp_" + _r(40, _HEX),
    "okta": lambda: "Authorization: SSWS 00" + _r(40, _ANY + "_-"),
    "jwt": lambda: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ" + _r(60, _ANY + "_-") + "." + _r(43, _ANY + "_-"),
    "rsa": lambda: (
        "-----BEGIN RSA PRIVATE KEY-----\n"
        + "\n".join(_r(64, _ANY + "+/") for _ in range(5))
        + "\n-----END RSA PRIVATE KEY-----"
    ),
    "ec": lambda: "-----BEGIN EC PRIVATE KEY-----\n" + _r(64, _ANY + "+/") + "\n-----END EC PRIVATE KEY-----",
    "enc": lambda: (
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + _r(64, _ANY + "+/") + "\n-----END ENCRYPTED PRIVATE KEY-----"
    ),
    "rsa_h": lambda: (
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
        + _r(32, "0123456789ABCDEF")
        + "\n\n"
        + _r(64, _ANY + "+/")
        + "\n-----END RSA PRIVATE KEY-----"
    ),
    "pgp": lambda: (
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n"
        + _r(64, _ANY + "+/")
        + "\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----"
    ),
    "openssh_cut": lambda: "-----BEGIN OPENSSH PRIVATE KEY-----\n" + _r(70, _ANY + "+/"),
    "db": lambda: "postgres://admin:" + _r(12) + "@db.prod.internal:5432/app",
    "mysql": lambda: "mysql://root:" + _r(10) + "@10.0.0.5/shop",
    "redis": lambda: "redis://:" + _r(16) + "@cache:6379/0",
    "amqp": lambda: "amqp://svc:" + _r(9) + "!@mq:5672",
    "https_basic": lambda: "https://deploy:" + _r(20) + "@git.corp.io/repo.git",
    "pw1": lambda: "password: " + _r(10) + "!7a",
    "pw2": lambda: "DB_PASSWORD='" + _r(12) + "9'",
    "pw3": lambda: '"password": "' + _r(14) + '3"',
    "pw4": lambda: "The password is " + _r(9) + "!9",
    "pw5": lambda: "Passwort: " + _r(9) + "#4",
    "pw6": lambda: "contraseña: " + _r(9) + "#4",
    "pw7": lambda: "mot de passe : " + _r(9) + "#4",
    "pw8": lambda: "密码：" + _r(9) + "#4",
    "pw9": lambda: "пароль: " + _r(9) + "#4",
    "token1": lambda: "API token: " + _r(40),
    "token2": lambda: "export TOKEN=" + _r(32),
    "bearer": lambda: "curl -H 'Authorization: Bearer " + _r(40) + "' https://api.x.com",
    "basic": lambda: "Authorization: Basic " + base64.b64encode(("user:" + _r(12)).encode()).decode(),
    "xapikey": lambda: "X-API-Key: " + _r(32),
    "client": lambda: "client_secret=" + _r(32),
    "curl_u": lambda: "curl -u admin:" + _r(12) + "7 https://x.io",
    "conn": lambda: "Server=db;Database=x;User Id=sa;Password=" + _r(10) + "!1;",
    "sas": lambda: "https://acc.blob.core.windows.net/c?sv=2022-11-02&sig=" + _r(43, _ANY) + "%3D",
    "django": lambda: "SECRET_KEY = 'django-insecure-" + _r(40) + "'",
}
_AROUND = [
    "{}",
    "My key is {}.",
    "`{}`",
    'KEY="{}"',
    "Use {} for it, please",
    "```\n{}\n```",
    "key:{}",
    "({})",
    "https://x.io/?key={}&y=1",
    "'{}'",
    "{}, thanks",
    "**{}**",
    "Token “{}”",
    "api_key={}",
]


def _keys() -> list[Case]:
    cases = []
    for at, draw in enumerate(_SHAPES.values()):
        for around in (0, 1 + at % 13, 1 + (at * 5) % 13):
            key = draw()
            cases.append(Case(_AROUND[around].format(key) if "\n" not in key else key, True))
    return cases


KEYS = [
    *_keys(),
    *clean(
        *[
            "sk-learn is a library",
            "sk-proj- is the prefix of project keys",
            "sk-ant-...",
            "sk-ant-api03-XXXXXXXXXXXXXXXXXXXXXXXX",
            "OPENAI_API_KEY=sk-your-key-here",
            "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "hf_hub_download('gpt2')",
            "from huggingface_hub import hf_hub_download_with_progress_and_more",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "AKIA... is how they begin",
            "AKIAXXXXXXXXXXXXXXXX",
            "AIza is the prefix",
            "api_key = os.getenv('API_KEY')",
            "api_key=config['api_key']",
            "const apiKey = process.env.API_KEY",
            "token = request.headers.get('Authorization')",
            "password = input('Password: ')",
            "password = getpass.getpass()",
            "PASSWORD=<your password>",
            "password: str",
            "password: Optional[str] = None",
            "def login(username, password):",
            "password_hash = bcrypt.hashpw(password.encode(), bcrypt.gensalt())",
            "secret = secrets.token_hex(16)",
            "token: abstract unit of text",
            "token_type: bearer",
            "token_count = 1024",
            "max_new_tokens=256",
            "tokens_per_second: 1234.5",
            "csrf_token = form.csrf_token",
            "{% csrf_token %}",
            "access_token_expires = timedelta(minutes=30)",
            "ACCESS_TOKEN_EXPIRE_MINUTES = 30",
            "secret_key = Fernet.generate_key()",
            "SecretManagerServiceClient",
            "secret: projects/my-project/secrets/db-pass",
            "password: ${DB_PASSWORD}",
            "password: {{ vault_password }}",
            "password: !vault |",
            "Authorization: Bearer YOUR_TOKEN",
            "Authorization: Bearer $TOKEN",
            "Authorization: Bearer ${token}",
            "Authorization: `Bearer ${token}`",
            "Authorization: Basic dXNlcjpwYXNz is user:pass",
            "postgres://localhost/db",
            "postgresql://user:password@host:5432/db",
            "mysql://username:password@localhost/dbname",
            "redis://localhost:6379",
            "https://example.com:8080/path@x",
            "mailto:a@b.com",
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7",
            "-----BEGIN CERTIFICATE-----\nMIIDXTCCAkWgAwIBAgIJAKoK\n-----END CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
            "-----BEGIN PRIVATE KEY-----\n<your key>\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "commit e83c5163316f89bfbde7d9ab23ca2e25604af290",
            "git checkout 1a2b3c4d5e",
            "uuid 550e8400-e29b-41d4-a716-446655440000",
            "pk_live_51H8abcdEFGHijklMNOPqrst (publishable)",
            "pk_test_TYooMQauvdEDq54NiTphI7jx",
            "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
            "integrity sha512-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC",
            "The password is stored hashed.",
            "The password is incorrect",
            "Your password must contain 8 characters, one number",
            "The token is invalid",
            "Password: ********",
            "passwords: see vault",
            "Secret: she never told him",
            "The secret: practice",
            "secret=None",
            "token=None",
            "token = null;",
            '"token": "string"',
            'password = ""',
            "password='password123'",
            "API_KEY=your_api_key_here",
            'api_key: "<INSERT>"',
            "key = 'a'*32",
            "SG.xxxxx.yyyyy",
            "xoxb-your-token",
            "xoxb-...",
            "eyJhbGciOi... is base64",
            "jwt.encode({'some': 'payload'}, 'secret', algorithm='HS256')",
            "jwt_secret = 'secret'",
            "npm_config_registry",
            "npm_package_version",
            "github_pat_ tokens are fine-grained",
            "glpat- prefix",
            "pypi-server",
            "key-value store",
            "key-0001",
            "SK-II cosmetics",
            "SKU SK12345",
            "telegram bot token looks like 123456:ABC-DEF",
            "docker run -e POSTGRES_PASSWORD=postgres postgres",
            "MYSQL_ROOT_PASSWORD: root",
            "password_field.send_keys('...')",
            "Token(type='NUMBER', value='42')",
            "tokenizer = AutoTokenizer.from_pretrained('gpt2')",
            "token_ids = [101, 2023, 2003]",
            "access_key = 'Alt+Shift+F'",
            "passwd root",
            "sudo passwd alice",
            "secret santa: 2024-12-24",
            "auth_token: response.data.token",
            "token: ghp_... (redacted)",
            "hash: $2b$12$...",
            " password1 != password2",
            "if (password.length < 8) {",
            "this.password = password;",
            "password: hashedPassword,",
            "password: req.body.password",
            "secretOrKey: configService.get('JWT_SECRET')",
            "pwd: /home/user/projects/app1",
            "pwd=$(pwd)",
            "PWD=/home/user1/work",
            "Tokens: 1,234 / 4,096",
            "token=abc",
            "the-token-bucket-algorithm-2",
            "password-reset-link: /reset/123",
            "forgot-password: https://acme.io/forgot1",
            "password_policy: min-length-12",
            "sk_SK locale",
            "sk_learn_model_v2_final_version_2024",
            "risk-assessment-and-management-plan-2024",
            "task-oriented-dialogue-systems-survey-2020",
            "disk-management-utility-for-windows-10-pro",
            "hf_model_name_or_path_for_sequence_classification",
        ]
    ),
]
KEYS += [
    Case(f"密钥{_SHAPES[name]()}，请保密", True) for name in ("anthropic", "openai_proj", "aws", "ghp", "google", "jwt")
]
